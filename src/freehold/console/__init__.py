"""Web pages over the ledger and its reports: it shows, it does not decide."""
