"""The benchmark. This file stays empty of imports: what is measured imports the package too."""
