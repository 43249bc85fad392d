"""Compiled files that are kept from run to run: one that is not what its source compiles to decides nothing."""

from __future__ import annotations

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from rocq_tiny import THEORY, audit, rocq, theory

from layerproof.proofs.theory import compiled as stores
from layerproof.proofs.theory import gate as gate_module
from layerproof.proofs.theory.compiled import Store, digest_of
from layerproof.proofs.theory.gate import Outcome, gate
from layerproof.proofs.theory.prover import Prover

OTHER = """\
Definition double (n : nat) : nat := n.
Theorem twice : forall n : nat, double n = n + 0.
Proof. intro n. unfold double. apply plus_n_O. Qed.
"""
ASSUMED = THEORY.replace("Theorem", "Axiom").split("Proof.")[0]


# without the prover


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Store, Path, Path]:
    """A store that keeps one file under "key", that file in it, and a place to put what is taken."""
    (tmp_path / "store").mkdir()
    (tmp_path / "tiny.vo").write_bytes(b"compiled")
    store = Store(tmp_path / "store", "base")
    store.put("key", tmp_path / "tiny.vo")
    (file,) = store.folder.iterdir()
    return store, file, tmp_path / "taken.vo"


def test_what_was_kept_is_given_back_by_its_name_alone(kept: tuple[Store, Path, Path]) -> None:
    store, file, place = kept
    assert not store.take("other", "theory/tiny", place) and not place.exists()
    assert store.take("key", "theory/tiny", place)
    assert place.read_bytes() == b"compiled" and store.taken == {"theory/tiny": digest_of(file)}


def test_a_file_that_does_not_fit_its_name_is_thrown_away(kept: tuple[Store, Path, Path]) -> None:
    store, file, place = kept
    file.write_bytes(b"edited")
    assert not store.take("key", "theory/tiny", place)
    assert not (place.exists() or file.exists() or store.taken)


def test_the_name_says_all_that_a_file_was_made_of() -> None:
    given = ("theory/tiny", ("coqc", "x.v"), "text", {"theory/a": "1"})
    store = Store(Path(), "base")
    names = {store.key(*given), Store(Path(), "other library").key(*given)}
    for k, other in enumerate(("theory/other", ("coqc", "-w"), "text.", {"theory/a": "2"})):
        names.add(store.key(*(*given[:k], other, *given[k + 1 :])))  # type: ignore[arg-type]
    assert len(names) == 6


def test_a_folder_that_others_can_write_in_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERPROOF_CACHE", str(tmp_path))
    monkeypatch.setattr(stores, "installed", lambda prover, path: "installed")
    prover = Prover(("coqc",), "8")
    assert Store.of(prover) is not None
    (tmp_path / "compiled").chmod(0o777)
    assert Store.of(prover) is None
    (tmp_path / "compiled").chmod(0o700)
    monkeypatch.setattr(stores, "installed", lambda prover, path: "")
    assert Store.of(prover) is None


# with the prover


class Kept:
    """A theory of one file whose compiled file is kept, and the gate over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def file(self) -> Path:
        (compiled,) = (self.folder / "cache" / "compiled").glob("*.vo")
        return compiled

    def judged(self) -> Outcome:
        return gate([audit()], rocq(), self.folder / "theory", limit=120.0)

    def swap(self, content: bytes) -> Path:
        """Put other bytes in the place of the file that is kept, with a name that fits them."""
        old = self.file
        old.unlink()
        planted = old.with_name(f"{old.name.split('-')[0]}-{sha256(content).hexdigest()}.vo")
        planted.write_bytes(content)
        return planted


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny theory, proved once with a cache of its own, and two others compiled under its name."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAYERPROOF_CACHE", str(folder / "cache"))
        assert gate([audit()], rocq(), theory(folder / "theory"), limit=120.0).passed
    for name, text in (("assumed", ASSUMED), ("other", OTHER)):
        command = [*rocq().command, "-q", "-Q", ".", "LayerProof", "tiny.v"]
        subprocess.run(command, cwd=theory(folder / name, text), check=True)
    return folder


@pytest.fixture
def tiny(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    shutil.copytree(made, tmp_path / "made")
    (tmp_path / "made" / "cache" / "compiled").chmod(0o700)
    monkeypatch.setenv("LAYERPROOF_CACHE", str(tmp_path / "made" / "cache"))
    return Kept(tmp_path / "made")


@pytest.mark.slow
def test_a_file_that_is_kept_is_not_compiled_again(tiny: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    run = gate_module.Runner.run

    def watched(self: gate_module.Runner, command: list[str], *rest: object) -> object:
        seen.append(command[-1])
        return run(self, command, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(gate_module.Runner, "run", watched)
    assert tiny.judged().passed
    assert "theory/tiny.v" not in seen and "statements/tiny.v" in seen


@pytest.mark.slow
@pytest.mark.parametrize("source", ["assumed", ""], ids=["another source's", "no compiled file"])
def test_a_swapped_file_is_found_out_and_the_source_decides(source: str, tiny: Kept) -> None:
    """Its name fits it; it is compared with what the source compiles to, and thrown away."""
    planted = tiny.swap((tiny.folder / source / "tiny.vo").read_bytes() if source else b"no compiled file")
    outcome = tiny.judged()
    assert (set(outcome.passed), outcome.refused, outcome.undecided) == ({"twice"}, {}, {})
    assert not planted.exists()


@pytest.mark.slow
@pytest.mark.parametrize("source", ["assumed", "other"])
def test_a_swapped_file_lets_nothing_through_even_where_nothing_is_compared(
    source: str, tiny: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: no doubt is ever raised. What the seal and the checker say of the file stands all the same."""
    monkeypatch.setattr(gate_module._Gate, "kept_files_are_right", lambda self: True)
    tiny.swap((tiny.folder / source / "tiny.vo").read_bytes())
    outcome = tiny.judged()
    assert not outcome.passed and outcome.refused.keys() == {"twice"}


@pytest.mark.slow
def test_a_kept_file_does_not_answer_for_another_source(tiny: Kept) -> None:
    theory(tiny.folder / "theory", OTHER)
    outcome = tiny.judged()
    assert not outcome.passed and "not the restated one" in outcome.refused["twice"]
