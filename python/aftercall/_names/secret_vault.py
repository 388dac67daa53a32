"""`utils.secret_vault`: `from utils.secret_vault import secret_vault`."""

from __future__ import annotations

from aftercall.conv.utils import Utils


class SecretVault:
    """Secrets by name."""

    def get_secret(self, secret_name: str) -> str | dict[str, object]:
        """The secret of that name; `SecretNotFound` where there is none."""
        return Utils().get_secret(secret_name)


secret_vault = SecretVault()
get_secret = secret_vault.get_secret
