# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
