"""The `conv` object and everything that user code imports from `_gen`.

`Conversation` is built on one JSON document and a `Host`, which is whoever runs the function: a child under the
supervisor, or a test. Nothing here knows of frames, forks or files.
"""
