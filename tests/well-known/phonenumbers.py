import phonenumbers


def use():
    """Reads a number as people write it."""
    number = phonenumbers.parse("030 901820", "DE")
    return [phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), phonenumbers.is_valid_number(number)]


EXPECTED = ["+4930901820", True]
