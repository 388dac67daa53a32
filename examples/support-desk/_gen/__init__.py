# Stubs as the vendor's tools generate them for editors. They have no behaviour: at run time Aftercall's own `_gen` is
# imported in their place, and these lines never run.
raise RuntimeError("the stubs in _gen/ must not be imported at run time")
