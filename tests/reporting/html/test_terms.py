"""Terms that are explained where they stand."""

from fakefaces.reporting.html.terms import term_id, term_of, terms


def test_a_title_has_the_longest_term_that_it_begins_with():
    assert term_of("precision at 48% fakes") == "precision"
    assert term_of("its false-positive rate") == "false-positive rate"
    assert term_of("matched ROC AUC") == "matched ROC AUC"
    assert term_of("pointing game: minus noise") == "pointing game"
    assert term_of("p (accuracy)") == "p"
    assert term_of("pairs") == term_of("weights") == term_of("") == ""


def test_every_term_has_an_id_and_a_sentence_of_its_own():
    assert len({term_id(term) for term in terms()}) == len(terms())
    assert all(text.endswith(".") for text in terms().values())
