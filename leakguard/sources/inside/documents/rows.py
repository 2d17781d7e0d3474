"""Rows of tables as text in which a value stands beside what it is called.

A cell below `API secret`, or to the right of it, is written `API secret: value`: the rules read labels, not columns.
Promises: every cell of a row is in its line, once; a header is believed until the next one comes, and memory is one
row of labels. Pure; imported by the readers of documents.
"""

from __future__ import annotations

import re

LONGEST_LABEL = 48
MOST_LABELS = 256

_WORDS = frozenset(
    "key keys apikey apisecret apisec sec secret secrets secretkey accesskey token tokens accesstoken pass password passwords passwd "
    "passphrase passcode pwd pw pin private privatekey seed seedphrase mnemonic phrase credential credentials auth authkey bearer "
    "webhook cookie dsn authorization signature passwort passwörter kennwort geheimnis schlüssel contraseña clave senha chave "
    "parola wachtwoord hasło lösenord adgangskode salasana şifre пароль секрет ключ пин".split()
)
_SIGNS = re.compile("密码|密碼|密钥|密鑰|口令|私钥|助记词|令牌|暗号|パスワード|秘密|비밀|암호|mot de passe", re.IGNORECASE)
_NO_LETTERS = frozenset("0123456789+-.$")
"""No label begins so, and nearly all cells of large sheets do."""
_SPLIT = re.compile(r"(?<=[a-z])(?=[A-Z])|[\W\d_]+")
_LABEL = re.compile(r"[^\W\d_][^\n\t\r:=\"<>{}]{0,47}:?")


def is_label(text: str) -> bool:
    """Can it be what something is called? Few words, hardly a digit."""
    text = text.strip()
    return _LABEL.fullmatch(text) is not None and sum(map(str.isdigit, text)) < 3 and text.count(" ") < 6


def says(text: str) -> bool:
    """Is it a label of something that may be secret?"""
    if text[:1] in _NO_LETTERS or len(text) > LONGEST_LABEL + 8 or not is_label(text):
        return False
    words = [word.lower() for word in _SPLIT.split(text) if word]
    return words != ["key"] and (not _WORDS.isdisjoint(words) or _SIGNS.search(text) is not None)


class Rows:
    """The rows of one table, one after the other."""

    def __init__(self) -> None:
        self.header: dict[int, str] = {}
        self.told = 0

    def line(self, cells: list[tuple[int, str]]) -> str:
        """One row; (column, text) of the cells that are not empty, in order."""
        first = cells[0][1][:1] if len(cells) > 1 else "0"
        if first not in _NO_LETTERS and all(len(text) <= LONGEST_LABEL and is_label(text) for _, text in cells):
            told = sum(says(text) for _, text in cells)
            if told and told >= self.told:
                self.told = told
                self.header = {column: _clean(text) for column, text in cells[:MOST_LABELS]}
                pairs = len(cells) == 2 and says(cells[0][1]) and not says(cells[1][1])
                return (": " if pairs else "\t").join(_clean(text) for _, text in cells)
        out: list[str] = []
        left = ""
        for column, text in cells:
            label = self.header.get(column, "")
            if left:
                out.append(f": {text}")
            else:
                out.append("\t" if out else "")
                out.append(f"{label}: {text}" if label else text)
            left = text if says(text) and not says(label) else ""
            if left:
                out[-1] = out[-1].rstrip().removesuffix(":")
        return "".join(out)


def _clean(text: str) -> str:
    return " ".join(text.split()).rstrip(":").rstrip()
