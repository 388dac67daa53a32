# Generated from Aftercall's runtime for editors and type checkers; at run time its own module is imported.
"""`utils.secret_vault`: `from utils.secret_vault import secret_vault`."""

from typing import Any

class SecretVault:
    """Secrets by name."""

    def get_secret(self, secret_name: str) -> str | dict[str, Any]:
        """The secret of that name; `SecretNotFound` where there is none."""

secret_vault: SecretVault

def get_secret(secret_name: str) -> str | dict[str, Any]:
    """The secret of that name; `SecretNotFound` where there is none."""
