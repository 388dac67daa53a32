"""The modules that user code imports by names of the vendor: `_gen`, `imports`, `plog`, `polyai`, `utils.secret_vault`.

They live here, and are given those names only inside a zygote (`aftercall._runtime.imports`) and under test:
installed as top-level packages they would shadow the ADK's own.
"""
