def minutes_between(start, end):
    if start is None or end is None:
        return None
    return round((end - start).total_seconds() / 60, 1)


def waited_seconds(start, found):
    """Datetimes of state are datetimes again, aware ones and naive ones alike."""
    if found is None:
        return None
    return (found - start).total_seconds()
