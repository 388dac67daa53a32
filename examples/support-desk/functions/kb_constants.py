# Said by a customer, these mean that a person should look.
ESCALATION_WORDS = ("complaint", "lawyer", "speak to a person", "manager", "reclamación", "責任者")

MAX_SUMMARY_LETTERS = 500
