import pandas


def use():
    """Groups turns by role, resamples by time zone, and reads CSV text."""
    import io

    frame = pandas.read_csv(io.StringIO("role,words,at\nuser,4,2026-01-05T09:14\nagent,9,2026-01-05T09:15\nuser,5,2026-01-05T10:02\n"))
    sums = frame.groupby("role")["words"].sum().to_dict()
    local = pandas.to_datetime(frame["at"]).dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
    return [int(sums["user"]), int(local.dt.hour.iloc[0])]


EXPECTED = [9, 10]
