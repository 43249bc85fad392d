"""Exports where others take them: git, Hugging Face's transformers, archives in front of archives, hooks."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exports import in_tensors, refit, small, written

import layerproof as lp
from layerproof.numeric.export.interpretability import interpretability_view
from layerproof.numeric.export.load import load
from layerproof.numeric.exported.modeling import AUTO, CODE
from layerproof.numeric.files.tensor_files import read_npz
from layerproof.symbolic.errors import ContentError


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


GOOD, OTHER = npz(x=np.zeros((2, 2)), y=np.ones(3)), npz(x=np.ones((2, 2)), y=np.ones(3))


def test_one_archive_is_read() -> None:
    assert read_npz(GOOD, 10**6).keys() == {"x", "y"}


@pytest.mark.parametrize(
    "content",
    [OTHER + GOOD, OTHER[:-22] + GOOD, b"PK\x03\x04" + GOOD, GOOD + b"\0\0", GOOD[:90] + b"xx" + GOOD[90:],
     GOOD[:-2] + b"\x05\0hello", GOOD + b"PK\x05\x06" + bytes(18)],
    ids=["an archive in front", "without its end", "a mark", "zeros behind", "between", "a comment", "an empty one"],
)  # fmt: skip
def test_an_archive_that_readers_may_open_in_two_ways_is_refused(content: bytes) -> None:
    with pytest.raises(ContentError, match="is no npz file"):
        read_npz(content, 10**6)


def test_line_ends_that_git_changed_are_named(tmp_path: Path) -> None:
    folder = written(tmp_path / "out", small())
    assert (folder / ".gitattributes").read_text().splitlines()[-1] == "* -text"
    text = (folder / "README.md").read_bytes()
    (folder / "README.md").write_bytes(text.replace(b"\n", b"\r\n"))
    with pytest.raises(ContentError, match=r"README.md: has line ends of Windows, which git wrote: .*autocrlf"):
        load(folder)
    (folder / "README.md").write_bytes(text.replace(b"\n", b"\r\n").replace(b"exact", b"exakt", 1))
    with pytest.raises(ContentError, match=r"README.md: is not what the rationals make it"):
        load(folder)


def test_an_export_of_before_that_says_no_format_is_read_and_another_format_is_not(tmp_path: Path) -> None:
    folder = written(tmp_path / "old", small())
    in_tensors(lambda header, body: header["__metadata__"].pop("format") and None)(folder)
    refit(folder)
    assert load(folder).construction.depth == 2
    in_tensors(lambda header, body: header["__metadata__"].update(format="tf"))(folder)
    refit(folder)
    with pytest.raises(ContentError, match="its metadata: format is tf, wanted pt"):
        load(folder)


def test_code_for_transformers_is_named_by_config_and_is_ours(tmp_path: Path) -> None:
    folder = written(tmp_path / "out", small(), "float64", ("transformers",))
    config = json.loads((folder / "config.json").read_text())
    assert {key: config[key] for key in AUTO} == AUTO
    assert (folder / "modeling_layerproof.py").read_text() == CODE and load(folder)
    compile(CODE, "modeling_layerproof.py", "exec")
    (folder / "modeling_layerproof.py").write_text(CODE.replace("sign", "sing", 1))
    refit(folder)
    with pytest.raises(ContentError, match=r"modeling_layerproof.py: is not layerproof's"):
        load(folder)
    plain = json.loads((written(tmp_path / "plain", small()) / "config.json").read_text())
    assert not AUTO.keys() & plain.keys()


def test_hooks_reach_scores_patterns_and_heads_and_what_they_put_there_counts() -> None:
    view = interpretability_view(small("average-reward-td"))
    Z = torch.randn(3, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    predicted, cache = view.run_with_cache(Z)
    assert torch.equal(view.module(Z.mT)[:, -1, 0], predicted)
    seen: dict[str, Any] = {}
    for name in ("scores", "pattern", ""):
        place = f"blocks.1.attn.heads.1.{name}".rstrip(".")
        view.module.get_submodule(place).register_forward_hook(lambda m, i, o, name=name: seen.update({name: o}))
    view.module(Z.mT)
    assert torch.equal(seen["scores"], cache["blocks.1.attn.hook_attn_scores"][:, 1])
    assert torch.equal(seen["pattern"], cache["blocks.1.attn.hook_pattern"][:, 1])
    assert torch.equal(seen[""], cache["blocks.1.attn.hook_result"][:, :, 1])
    for place in ("heads.0", "heads.1.scores", "heads.0.pattern", "hook_attn_scores", "hook_q", "hook_z"):
        hook = view.module.get_submodule(f"blocks.0.attn.{place}").register_forward_hook(lambda m, i, o: 0 * o)
        assert not torch.equal(view.module(Z.mT)[:, -1, 0], predicted), place
        hook.remove()
    assert torch.equal(view.module(Z.mT)[:, -1, 0], predicted)


def test_transformerlens_is_named_where_it_is_wanted_and_missing() -> None:
    pytest.importorskip("layerproof.numeric.export.transformer_lens")
    from layerproof.numeric.export.transformer_lens import bridge

    try:
        import transformer_lens  # noqa: F401
    except ImportError:
        with pytest.raises(lp.LayerproofError, match=r"pip install transformer-lens; 4.3.0 was tried"):
            bridge(interpretability_view(small()))
