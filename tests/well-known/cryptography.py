from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec


def use():
    """Encrypts with a fresh key, signs with a fresh elliptic one, and checks both."""
    box = Fernet(Fernet.generate_key())
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"call", ec.ECDSA(hashes.SHA256()))
    key.public_key().verify(signature, b"call", ec.ECDSA(hashes.SHA256()))
    return [box.decrypt(box.encrypt(b"call")).decode(), True]


EXPECTED = ["call", True]
