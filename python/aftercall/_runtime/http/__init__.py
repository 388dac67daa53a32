"""HTTP from user code: patched below the libraries, so that their sessions, retries and redirects stay in play.

A library writes the bytes of a request into something that it takes for a connection (`sockets`, `streams`,
`transports`). Once the request is whole it becomes one effect frame, and its answer the bytes of a response. No byte
leaves the process otherwise: the child has no network.
"""
