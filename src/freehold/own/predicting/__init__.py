"""What a predictor answers with, from a folder of plain numbers: numpy alone, no pickle, no training library."""
