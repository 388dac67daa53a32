"""Prints the vectors of `format.rs` from the standards alone, with none of the crate's code. To be run by hand."""

import hashlib
import hmac
import struct

MASK = 0xFFFFFFFF
CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def rounds(state):
    x = list(state)

    def quarter(a, b, c, d):
        for left, right, target, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[left] = (x[left] + x[right]) & MASK
            mixed = x[target] ^ x[left]
            x[target] = ((mixed << turn) | (mixed >> (32 - turn))) & MASK

    for _ in range(10):
        for a in range(4):
            quarter(a, a + 4, a + 8, a + 12)
        for a in range(4):
            quarter(a, (a + 1) % 4 + 4, (a + 2) % 4 + 8, (a + 3) % 4 + 12)
    return x


def keystream(key, nonce, first_block, size):
    out = b""
    while len(out) < size:
        state = [*CONSTANTS, *struct.unpack("<8I", key), first_block, *struct.unpack("<3I", nonce)]
        out += struct.pack("<16I", *((a + b) & MASK for a, b in zip(state, rounds(state), strict=True)))
        first_block += 1
    return out[:size]


def hchacha20(key, nonce):
    mixed = rounds([*CONSTANTS, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce)])
    return struct.pack("<8I", *mixed[:4], *mixed[12:])


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for start in range(0, len(message), 16):
        total = (total + int.from_bytes(message[start : start + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(key[16:], "little")) % (1 << 128)).to_bytes(16, "little")


def xchacha20_poly1305(key, nonce, aad, plaintext):
    key, nonce = hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    text = bytes(a ^ b for a, b in zip(plaintext, keystream(key, nonce, 1, len(plaintext)), strict=True))
    padded = b"".join(part + bytes(-len(part) % 16) for part in (aad, text))
    lengths = struct.pack("<2Q", len(aad), len(text))
    return text + poly1305(keystream(key, nonce, 0, 32), padded + lengths)


def derive(key, word, purpose=b""):
    extracted = hmac.digest(b"aftercall/v1", key, "sha256")
    return hmac.digest(extracted, word + b"\0" + purpose + b"\1", "sha256")


def seal(key, key_id, nonce, table, column, row, plaintext):
    header = b"\1\1" + key_id
    aad = header + b"".join(struct.pack(">Q", len(part)) + part for part in (table, column, row))
    return header + nonce + xchacha20_poly1305(key, nonce, aad, plaintext)


master = bytes(range(32))
data_key = bytes(range(0x60, 0x80))
nonce = bytes(range(0xA0, 0xB8))
master_id, data_id = derive(master, b"key-id")[:8], derive(data_key, b"key-id")[:8]
print("master key id", master_id.hex())
print("derived      ", derive(master, b"derive", b"run-seed").hex())
phone = derive(master, b"keyed-hash", b"phone")
print("keyed hash   ", hmac.digest(phone, b"+15550100", "sha256").hex())
wrapping = derive(master, b"wrap")
print("wrapped key  ", seal(wrapping, master_id, nonce, b"keys", b"wrapped", b"\1\2", data_key).hex())
print("blob         ", seal(data_key, data_id, nonce, b"conversation", b"document", b"\1\2", b"Hello, +15550100").hex())
