"""What a model of DNA says of bases, strands and substitutions; the network has learnt nothing, but says something."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from freehold.own.artefact import Artefact, Kind, write
from freehold.own.dna import BASES, Codes, codes, letters, reverse_complement
from freehold.vocabulary.errors import BadRequest

if TYPE_CHECKING:
    from freehold.own.genome import Genome

CONTEXT = 24


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> "Genome":
    """From files, as a served one is."""
    import torch
    from safetensors.torch import save_file

    from freehold.own.genome import WEIGHTS, Genome, about
    from freehold.own.genome_network import Network, Shape, parameters_of

    torch.set_num_threads(1)
    torch.manual_seed(0)
    shape = Shape(k=6, layers=2, width=16, heads=2, kmer_width=4)
    network = Network(shape)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    folder = tmp_path_factory.mktemp("model")
    save_file(network.state_dict(), folder / WEIGHTS)
    made = Artefact(
        "coli", Kind.GENOME, "genome", "CC0-1.0", parameters_of(network), CONTEXT, about=about(shape)
    )
    write(folder, made)
    return Genome.load(folder)


def drawn(length: int, seed: int = 0) -> Codes:
    return np.random.default_rng(seed).integers(0, 4, length).astype(np.int8)


@pytest.mark.parametrize("length", [*range(1, 9), CONTEXT - 1, CONTEXT, CONTEXT + 1, 5 * CONTEXT // 2, 400])
def test_the_probabilities_of_four_bases_sum_to_one_wherever_the_sequence_ends(
    genome: "Genome", length: int
) -> None:
    found = genome.log_likelihoods(drawn(length))

    assert found.shape == (length, 4)
    assert np.exp(found).sum(-1) == pytest.approx(1)
    assert np.exp(found[0]) == pytest.approx(0.25)
    assert length < 8 or np.abs(np.exp(found[7]) - 0.25).max() > 0.01


@pytest.mark.parametrize("place", [0, 1, 2, 3, 11, 12, 13, 30, 49])
def test_what_follows_a_base_changes_nothing_of_it(genome: "Genome", place: int) -> None:
    one = drawn(50)
    other = one.copy()
    other[place:] = 3 - other[place:]

    before, after = genome.log_likelihoods(one), genome.log_likelihoods(other)

    assert np.array_equal(before[: place + 1], after[: place + 1])
    assert place == 49 or np.abs(before[place + 1 :] - after[place + 1 :]).max() > 0.01


def test_bits_are_those_of_the_base_that_is_there_and_none_where_that_is_not_known(genome: "Genome") -> None:
    sequence = codes("ACGTNACGTTGCA")

    bits, logs = genome.bits(sequence), genome.log_likelihoods(sequence)

    assert np.isnan(bits).tolist() == [base == "N" for base in letters(sequence)]
    assert bits[7] == pytest.approx(-logs[7, BASES.index("G")] / np.log(2))


def test_a_substitution_and_its_way_back_weigh_the_same_and_so_do_both_strands(genome: "Genome") -> None:
    from freehold.own.genome import substitution

    sequence = codes("ACGTTGCAACGGTCATTACG")
    changed = codes("ACGTTGCAATGGTCATTACG")
    [there] = genome.effects(sequence, [substitution("10C>T")])
    [back] = genome.effects(changed, [substitution("g.10T>C")])
    [other] = genome.effects(reverse_complement(sequence), [substitution("11G>A")])

    assert abs(there) > 0.01
    assert (back, other) == pytest.approx((-there, there), abs=1e-5)


def test_a_substitution_in_a_short_sequence_is_the_ratio_of_its_likelihoods(genome: "Genome") -> None:
    from freehold.own.genome import substitution

    one, other = codes("ACGTTGCAACGG"), codes("ACGTTGCATCGG")
    strands = [genome.bits(way(two)).sum() for way in (np.array, reverse_complement) for two in (one, other)]

    [effect] = genome.effects(one, [substitution("9A>T")])

    assert effect == pytest.approx((strands[0] - strands[1] + strands[2] - strands[3]) / 2, abs=1e-5)


def test_in_a_long_sequence_only_one_context_around_a_substitution_counts(genome: "Genome") -> None:
    from freehold.own.genome import Substitution

    sequence = drawn(200)
    new = BASES[(sequence[100] + 1) % 4]
    far, near = sequence.copy(), sequence.copy()
    far[[70, 130]] = 3 - far[[70, 130]]
    near[105] = 3 - near[105]

    first, second, third = (
        genome.effects(one, [Substitution(100, BASES[one[100]], new)])[0] for one in (sequence, far, near)
    )

    assert first == second != third


@pytest.mark.parametrize("length", [3, 4, 11, CONTEXT, 5 * CONTEXT // 2])
def test_a_sequence_and_its_reverse_complement_have_one_vector(genome: "Genome", length: int) -> None:
    one, other = drawn(length), drawn(length, seed=1)
    there, back, beside, another = (letters(s) for s in (one, reverse_complement(one), one, other))

    found = genome.embed([there, {"sequence": back}, beside, another])

    assert found.vectors[0] == found.vectors[1] == found.vectors[2] != found.vectors[3]
    assert (len(found.vectors[0]), found.tokens, found.model) == (16, 4 * length, "coli")


def test_a_vector_is_the_mean_of_the_last_states_over_both_strands_at_all_phases(genome: "Genome") -> None:
    import torch

    sequence = drawn(CONTEXT)
    states = []
    for strand in (sequence, reverse_complement(sequence)):
        for phase in range(3):
            triples = strand[phase : phase + (CONTEXT - phase) // 3 * 3].reshape(-1, 3).astype(np.int64)
            tokens = torch.from_numpy(triples @ [16, 4, 1])
            states.append(genome._network.states(tokens[None])[0].detach().numpy())

    [vector] = genome.embed([letters(sequence)]).vectors

    assert vector == pytest.approx(np.concatenate(states).mean(0), abs=1e-5)


def test_tokens_of_unknown_bases_count_for_nothing(genome: "Genome") -> None:
    known, longer = (genome._mean_state(codes(one)) for one in ("ACGTTGCAACGG", "ACGTTGCAACGGNNNNNN"))

    assert longer == pytest.approx(known, abs=1e-5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("ACNGTNNAC", "no three known bases"),
        ({"sequence": "ACGT", "substitutions": ["1A>C"]}, "substitutions have no vector"),
        ("A" * 100_001, "more than 100,000"),
    ],
)
def test_what_has_no_vector_is_named(genome: "Genome", given: object, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        genome.embed([given])


def test_strands_are_compared_base_by_base_and_in_windows(genome: "Genome") -> None:
    found = genome.consistency(drawn(2000))

    assert found.per_base > found.per_hundred > found.per_thousand > 0
    assert abs(found.forward - found.reverse) <= found.per_thousand + 1e-9
    assert -1 <= found.correlation <= 1


def test_inputs_are_sequences_or_objects_with_substitutions(genome: "Genome") -> None:
    plain, asked = genome.predict(["ACGTN", {"sequence": "ACGTACGT", "substitutions": ["3G>A", "5A>C"]}])

    assert plain["bits"] == [2.0, *plain["bits"][1:4], None]  # type: ignore[index]
    assert asked["bits_per_base"] == pytest.approx(genome.bits(codes("ACGTACGT")).mean(), abs=1e-4)
    assert set(asked["log2_likelihood_ratios"]) == {"3G>A", "5A>C"}  # type: ignore[call-overload]
    assert genome.predict([]) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (5, "inputs[1] is neither a sequence nor an object"),
        ("", "inputs[1] is neither"),
        ({"sequence": "ACGT", "substitution": "1A>C"}, "inputs[1] is neither"),
        ({"sequence": "ACGT", "substitutions": "1A>C"}, "inputs[1] is neither"),
        ({"sequence": "ACGT", "substitutions": ["A1C"]}, "inputs[1]: 'A1C' is no substitution"),
        ({"sequence": "ACGT", "substitutions": ["1G>C"]}, "inputs[1]: base 1 is A, not G"),
        ({"sequence": "NCGT", "substitutions": ["1G>C"]}, "inputs[1]: base 1 is ?, not G"),
        ({"sequence": "ACGT", "substitutions": ["5A>C"]}, "inputs[1]: the sequence ends at base 4, before 5"),
        ("A" * 100_001, "100,005 bases and 0 substitutions are more than 100,000 and 1,000"),
        ({"sequence": "A", "substitutions": ["1A>C"] * 1001}, "5 bases and 1,001 substitutions"),
    ],
)
def test_what_is_no_question_is_named(genome: "Genome", given: object, words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        genome.predict(["ACGT", given])

    assert words in caught.value.message


def test_a_model_of_another_kind_is_not_read(tmp_path: Path) -> None:
    from freehold.own.genome import Genome

    write(tmp_path, Artefact("spam", Kind.CLASSIFIER, "predict", "CC0-1.0", 3))

    with pytest.raises(BadRequest, match="holds a classifier model, and none of DNA"):
        Genome.load(tmp_path)
