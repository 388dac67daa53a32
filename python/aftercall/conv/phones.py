"""Telephone numbers: which country's, and whether they can be one (ITU-T E.164).

A number is checked by what is the same for years: calling code, length, the way it is dialled within its country.
Whether somebody has it, no table tells. For North America area codes say which of the countries it is.
"""

from __future__ import annotations

import re

#: Calling codes by ISO 3166 country code (ITU list of assigned codes). Countries that share one share it here.
_CODES = """
AC247 AD376 AE971 AF93 AL355 AM374 AO244 AR54 AT43 AU61 AW297 AX358 AZ994 BA387 BD880 BE32 BF226 BG359 BH973 BI257
BJ229 BL590 BN673 BO591 BQ599 BR55 BT975 BW267 BY375 BZ501 CC61 CD243 CF236 CG242 CH41 CI225 CK682 CL56 CM237 CN86
CO57 CR506 CU53 CV238 CW599 CX61 CY357 CZ420 DE49 DJ253 DK45 DZ213 EC593 EE372 EG20 EH212 ER291 ES34 ET251 FI358
FJ679 FK500 FM691 FO298 FR33 GA241 GB44 GE995 GF594 GG44 GH233 GI350 GL299 GM220 GN224 GP590 GQ240 GR30 GT502 GW245
GY592 HK852 HN504 HR385 HT509 HU36 ID62 IE353 IL972 IM44 IN91 IO246 IQ964 IR98 IS354 IT39 JE44 JO962 JP81 KE254 KG996
KH855 KI686 KM269 KP850 KR82 KW965 KZ7 LA856 LB961 LI423 LK94 LR231 LS266 LT370 LU352 LV371 LY218 MA212 MC377 MD373
ME382 MF590 MG261 MH692 MK389 ML223 MM95 MN976 MO853 MQ596 MR222 MT356 MU230 MV960 MW265 MX52 MY60 MZ258 NA264 NC687
NE227 NF672 NG234 NI505 NL31 NO47 NP977 NR674 NU683 NZ64 OM968 PA507 PE51 PF689 PG675 PH63 PK92 PL48 PM508 PS970 PT351
PW680 PY595 QA974 RE262 RO40 RS381 RU7 RW250 SA966 SB677 SC248 SD249 SE46 SG65 SH290 SI386 SJ47 SK421 SL232 SM378
SN221 SO252 SR597 SS211 ST239 SV503 SY963 SZ268 TA290 TD235 TG228 TH66 TJ992 TK690 TL670 TM993 TN216 TO676 TR90 TV688
TW886 TZ255 UA380 UG256 US1 UY598 UZ998 VA39 VE58 VN84 VU678 WF681 WS685 XK383 YE967 YT262 ZA27 ZM260 ZW263
"""
#: Area codes of the North American countries but for the United States, which has all others.
_AREAS = {
    "CA": "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 431 437 438 450 468 474 506 "
    "514 519 548 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 879 902 905 "
    "942",
    "AG": "268", "AI": "264", "AS": "684", "BB": "246", "BM": "441", "BS": "242", "DM": "767", "DO": "809 829 849",
    "GD": "473", "GU": "671", "JM": "658 876", "KN": "869", "KY": "345", "LC": "758", "MP": "670", "MS": "664",
    "PR": "787 939", "SX": "721", "TC": "649", "TT": "868", "VC": "784", "VG": "284", "VI": "340",
}  # fmt: skip
#: Area codes that belong to no country: free of charge, personal, by the minute.
_SHARED_AREAS = (
    "500 521 522 523 524 525 526 527 528 529 533 544 566 577 588 600 622 633 644 655 677 688 "
    "800 833 844 855 866 877 888 900"
)

#: Digits of a national number where they are known to be these: (fewest, most).
_LENGTHS = {
    1: (10, 10), 7: (10, 10), 31: (9, 11), 32: (8, 9), 33: (9, 9), 34: (9, 9), 39: (6, 11), 41: (9, 9), 44: (7, 10),
    45: (8, 8), 46: (7, 10), 47: (8, 8), 48: (9, 9), 52: (10, 10), 55: (10, 11), 61: (9, 10), 65: (8, 11), 81: (9, 10),
    82: (7, 11), 86: (7, 11), 90: (10, 10), 91: (10, 10), 351: (9, 9), 353: (7, 10), 852: (8, 9), 971: (8, 9),
}  # fmt: skip
_FEWEST, _MOST = 4, 15
#: What is dialled before a national number within a country and left out from abroad, where it is not 0; many have none
_TRUNKS = {1: "1", 7: "8", 36: "06"}
_NO_TRUNK = (
    "30 34 39 45 47 48 51 52 56 57 65 351 352 354 356 357 370 371 372 376 377 378 420 502 503 504 505 506 507 852 965 "
    "968 973 974"
)


class NotANumber(ValueError):
    """The text is no telephone number; it says why."""


_calling_codes = {entry[:2]: int(entry[2:]) for entry in _CODES.split()} | dict.fromkeys(_AREAS, 1)
_known_codes = frozenset(_calling_codes.values())
_trunks = _TRUNKS | {int(code): "" for code in _NO_TRUNK.split()}
_shared_areas = frozenset(_SHARED_AREAS.split())
_area_countries = {area: country for country, areas in _AREAS.items() for area in areas.split()}


def parse_phone(text: str, regions: set[str] | None) -> tuple[int, str]:
    """Calling code and national number. `NotANumber` if it cannot be one, or none of `regions` (ISO codes).

    Without a ``+`` (or 00, or 011) it is read as dialled within one of `regions`; without regions, within the United
    States.
    """
    wanted = _checked_regions(regions)
    digits, is_international = _digits(text, dials_011=not wanted or any(_calling_codes[one] == 1 for one in wanted))
    if is_international:
        candidates = [_split(digits)]
    else:
        codes = sorted({_calling_codes[region] for region in wanted or {"US"}})
        candidates = [(code, _without_trunk(digits, code)) for code in codes]
        # Dictated without its plus: the calling code comes first all the same.
        candidates += [(code, digits[len(str(code)) :]) for code in codes if digits.startswith(str(code))]
    problem: str | None = None
    for code, number in candidates:
        found = _problem(code, number) or _region_problem(code, number, wanted)
        if found is None:
            return code, number
        problem = problem or found
    raise NotANumber(problem or "not a telephone number")


def _checked_regions(regions: set[str] | None) -> set[str]:
    wanted = {str(region).upper() for region in regions or ()}
    unknown = sorted(wanted - _calling_codes.keys())
    if unknown:
        raise ValueError(f"PhoneNumberConfig: {unknown[0]!r} is not an ISO 3166 country code, such as US")
    return wanted


def _digits(text: str, *, dials_011: bool) -> tuple[str, bool]:
    """The digits, and whether a calling code begins them: behind +, 00 or, from North America, 011."""
    text = text.strip().removeprefix("tel:")
    plain = re.sub(r"[\s\-./\u2010-\u2015()]", "", text.replace("(0)", "") if text.startswith(("+", "00")) else text)
    prefix = next((one for one in ("+", "00", "011" if dials_011 else "+") if plain.startswith(one)), "")
    plain = plain.removeprefix(prefix)
    if not (plain.isascii() and plain.isdigit()):
        raise NotANumber("a telephone number has digits, and a + before them if it names its country")
    if len(plain) > _MOST:
        raise NotANumber(f"{len(plain)} digits; a telephone number has at most {_MOST}")
    return plain, bool(prefix)


def _split(digits: str) -> tuple[int, str]:
    for length in (1, 2, 3):
        if digits[:length] and int(digits[:length]) in _known_codes and digits[0] != "0":
            return int(digits[:length]), digits[length:]
    raise NotANumber(f"no country has the calling code +{digits[:3]}")


def _without_trunk(digits: str, code: int) -> str:
    trunk = _trunks.get(code, "0")
    return digits.removeprefix(trunk) if trunk and len(digits) > _LENGTHS.get(code, (0, 0))[0] else digits


def _problem(code: int, number: str) -> str | None:
    if number.startswith("0") and code not in (39, 225, 241, 242):  # Italy's, and a few others', keep their 0
        return f"+{code} {number}: the 0 is left out behind a calling code"
    fewest, most = _LENGTHS.get(code, (_FEWEST, _MOST - len(str(code))))
    if not fewest <= len(number) <= most:
        expected = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        return f"{len(number)} digits after +{code}; there are {expected}"
    if code == 1 and not re.fullmatch(r"[2-9]\d{2}[2-9]\d{6}", number):
        return f"+1 {number}: area code and exchange each begin with 2 to 9"
    return None


def _region_problem(code: int, number: str, wanted: set[str]) -> str | None:
    if not wanted:
        return None
    found = {region for region, its_code in _calling_codes.items() if its_code == code}
    if code == 1 and number[:3] not in _shared_areas:
        found = {_area_countries.get(number[:3], "US")}
    elif code == 7:
        found = {"KZ" if number[0] in "67" else "RU"}
    if found & wanted:
        return None
    return f"a number of {' or '.join(sorted(found))}; expected one of {', '.join(sorted(wanted))}"
