"""The cases that no other scanner names: each must be found, by its right name, and nothing else reported in it."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.check import Bench
from leakguard.detect.corpus import Sample
from leakguard.detect.generate import expand, expand_marked
from leakguard.detect.score import scan
from leakguard.model import Finding, Severity

POSITIVE = {
    "binance env": (
        ".env",
        "BINANCE_API_KEY=<<{{alnum*64}}>>\nBINANCE_API_SECRET=<<{{alnum*64}}>>\n",
        ["binance.api-key", "binance.api-secret"],
    ),
    "binance freqtrade": (
        "config.json",
        '{"exchange": {"name": "binance", "key": "<<{{alnum*64}}>>", "secret": "<<{{alnum*64}}>>",\n'
        '  "ccxt_config": {}, "pair_whitelist": ["BTC/USDT"]}, "dry_run": false}',
        ["binance.api-key", "binance.api-secret"],
    ),
    "bybit ccxt": (
        "bot.py",
        "import ccxt\nex = ccxt.bybit({\n    'apiKey': '<<{{alnum*18}}>>',\n    'secret': '<<{{alnum*36}}>>',\n})\n",
        ["bybit.api-key", "bybit.api-secret"],
    ),
    "okx yaml": (
        "config.yaml",
        "okx:\n  api_key: <<{{uuid}}>>\n  secret_key: <<{{HEX*32}}>>\n"
        "  passphrase: <<{{lower*5}}{{digits*3}}{{upper*2}}>>\n",
        ["okx.api-key", "okx.api-secret", "okx.passphrase"],
    ),
    "kraken env": (".env", "KRAKEN_PRIVATE_KEY=<<{{b64*85}}Q==>>\n", ["kraken.api-secret"]),
    "evm env": (".env", "PRIVATE_KEY=<<{{gen:evm_key}}>>\n", ["ethereum.private-key"]),
    "evm hardhat": (
        "hardhat.config.js",
        "module.exports = {\n  networks: {\n    mainnet: {\n      url: process.env.RPC,\n"
        "      accounts: ['<<{{gen:evm_key}}>>'],\n    },\n  },\n};\n",
        ["ethereum.config-account"],
    ),
    "mnemonic env": (".env", 'MNEMONIC="<<{{gen:bip39 12}}>>"\n', ["bip39.mnemonic"]),
    "mnemonic log": (
        "bot.log",
        "2024-01-02 INFO wallet restored from <<{{gen:bip39 12}}>> (index 0)\n",
        ["bip39.mnemonic"],
    ),
    "wif": ("notes.txt", "cold wallet key: <<{{gen:wif}}>>\n", ["bitcoin.wif"]),
    "xprv": ("wallet.txt", "master <<{{gen:xprv}}>>\n", ["bitcoin.extended-private-key"]),
    "solana base58": (".env", "SOLANA_PRIVATE_KEY=<<{{gen:solana_b58}}>>\n", ["solana.secret-key"]),
    "solana id.json": ("id.json", "<<{{gen:solana_array}}>>\n", ["solana.keypair-array"]),
    "signed request": (
        "bot.log",
        "2024-01-02 DEBUG GET https://api.binance.com/api/v3/account?timestamp=1704164645000&recvWindow=5000"
        "&signature={{hex*64}} headers={'X-MBX-APIKEY': '<<{{alnum*64}}>>'}\n",
        ["binance.api-key-header"],
    ),
    "telegram": (".env", "TELEGRAM_TOKEN=<<{{digits*10}}:AA{{b64u*33}}>>\n", ["telegram.bot-token"]),
    "alchemy url": (
        "config.js",
        "const provider = new JsonRpcProvider('https://eth-mainnet.g.alchemy.com/v2/<<{{b64u*32}}>>');\n",
        ["alchemy.rpc-url"],
    ),
    "infura url": (".env", "RPC_URL=https://mainnet.infura.io/v3/<<{{hex*32}}>>\n", ["infura.rpc-url"]),
    "hyperliquid yaml": (
        "config.yaml",
        'hyperliquid:\n  account_address: "0x{{hex*40}}"\n  secret_key: "<<{{gen:evm_key}}>>"\n',
        ["hyperliquid.private-key"],
    ),
}

NEGATIVE = {
    "tx hash": ("bot.log", "2024-01-02 INFO tx 0x{{hex*64}} confirmed in block 19000000\n"),
    "address": ("config.yaml", 'binance:\n  deposit_address: "0x{{hex*40}}"\n'),
    "sha256": ("Dockerfile", "FROM python@sha256:{{hex*64}}\n"),
}


def found(bench: Bench, path: str, text: str) -> list[Finding]:
    findings, _ = scan(bench, Sample(path, "", text.encode(), (), 0, ""))
    return [finding for finding in findings if finding.severity > Severity.INFO]


@pytest.mark.parametrize("case", POSITIVE)
@pytest.mark.parametrize("seed", range(5))
def test_found_by_its_name(bench: Bench, case: str, seed: int) -> None:
    path, template, rules = POSITIVE[case]
    text, spans = expand_marked(template, Random(f"{case}:{seed}"))
    findings = found(bench, path, text)
    assert [(f.rule, f.start_byte, f.end_byte) for f in findings] == [
        (rule, *span) for rule, span in zip(rules, spans, strict=True)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_coinbase_cdp_file(bench: Bench, seed: int) -> None:
    template = (
        '{\n  "name": "<<organizations/{{uuid}}/apiKeys/{{uuid}}>>",\n  "privateKey": "<<{{gen:pem_escaped ec}}>>"\n}\n'
    )
    text, spans = expand_marked(template, Random(seed))
    findings = found(bench, "cdp_api_key.json", text)
    assert {f.rule for f in findings} == {"coinbase.cdp-key-name", "coinbase.cdp-private-key"}
    assert [f.start_byte for f in findings] == [start for start, _ in spans]


@pytest.mark.parametrize("seed", range(3))
def test_geth_keystore(bench: Bench, seed: int) -> None:
    template = (
        '{"address":"{{hex*40}}","crypto":{"cipher":"aes-128-ctr","ciphertext":"{{hex*64}}",'
        '"cipherparams":{"iv":"{{hex*32}}"},"kdf":"scrypt","kdfparams":{"dklen":32,"n":262144,"p":1,"r":8,'
        '"salt":"{{hex*64}}"},"mac":"{{hex*64}}"},"id":"{{uuid}}","version":3}'
    )
    findings = found(bench, "UTC--2024-01-01T00-00-00.000000000Z--keystore", expand(template, Random(seed)))
    assert [f.rule for f in findings] == ["ethereum.keystore"]


@pytest.mark.parametrize("case", NEGATIVE)
@pytest.mark.parametrize("seed", range(10))
def test_clean(bench: Bench, case: str, seed: int) -> None:
    path, template = NEGATIVE[case]
    assert found(bench, path, expand(template, Random(f"{case}:{seed}"))) == []
