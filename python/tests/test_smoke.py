def test_hello(run):
    a = run("""
        from _gen import *  # <AUTO GENERATED>
        def end_function(conv: Conversation):
            log.info("hi", k=1)
            print("printed")
            conv.write_metric("N", 3)
            conv.state.x = conv.id
    """, {"id": "abc", "state": {"a": 1}})
    assert a.outcome == "returned", (a.result, a.output)
    assert a.state == {"a": 1, "x": "abc"}
    assert a.texts == ["hi", "printed"]
