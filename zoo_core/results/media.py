"""What moves and what sounds: animations are saved as GIF, waveforms as WAV, both with their provenance inside."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import PluginError
from . import encoding, html
from .images import Images
from .saving import Part, Saved

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

LONGEST = 655.35  # seconds that a GIF can show a frame: hundredths in 16 bits
SHORTEST = 0.02  # below it players take a tenth of a second instead
LOUDEST = 32767  # of 16 bits


@dataclass(frozen=True, repr=False)
class Animation(Saved):
    """Pictures one after another, e.g. the steps of a diffusion, or an agent at work.

    Args:
        frames: each as `Images`, all of equal shape; captions change from frame to frame as they like.
        seconds: how long each frame is shown.
        pause: how long the last one is, before the animation begins again.
    Raises:
        PluginError: no frames, frames of different shapes, or a time that a GIF cannot have.
    """

    frames: tuple[Images, ...]
    seconds: float = 0.1
    pause: float = 1.0
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ".gif"
    suffixes: ClassVar[tuple[str, ...]] = (".gif", ".webp")

    def __post_init__(self) -> None:
        if not self.frames or not all(isinstance(frame, Images) for frame in self.frames):
            raise PluginError("an animation needs frames, each of them Images")
        shapes = {tuple(frame.pixels.shape) for frame in self.frames}
        if len(shapes) > 1:
            raise PluginError(f"the frames of an animation have different shapes: {sorted(shapes)[:3]}")
        for name in ("seconds", "pause"):
            if not SHORTEST <= getattr(self, name) <= LONGEST:
                raise PluginError(f"'{name}' of an animation must be {SHORTEST} to {LONGEST}")

    def __len__(self) -> int:
        return len(self.frames)

    def draw(self) -> Image:
        """The last frame, which stands for the whole where nothing can move."""
        return self.frames[-1].draw()

    def encoded(self, suffix: str) -> bytes:
        """See `Saved`; the frames have the size of the largest, since captions need room."""
        from .pictures import of_one_size

        frames = of_one_size([frame.draw() for frame in self.frames])
        times = [round(1000 * self.seconds)] * (len(frames) - 1) + [round(1000 * self.pause)]
        return encoding.film_bytes(frames, times, suffix, self.provenance)

    def gif(self) -> bytes:
        """The content of the GIF."""
        return self.encoded(".gif")

    def parts(self) -> Iterator[Part]:
        """See `Saved`: a PNG of each frame."""
        for number, frame in enumerate(self.frames):
            yield f"frame-{number:04}.png", frame.png(), {"number": number}

    def extent(self) -> str:
        """See `Saved`."""
        return f"{len(self)} frames"

    def _repr_html_(self) -> str:
        return html.picture(self.gif(), "image/gif", repr(self))


@dataclass(frozen=True, repr=False)
class Audio(Saved):
    """A waveform.

    Args:
        waveform: float [channels, samples] in [-1, 1] on the CPU; 1 channel (mono) or 2 (stereo).
        rate: samples per second.
    Raises:
        PluginError: wrong shape, type, range or rate, or values that are not finite.
    """

    waveform: Tensor
    rate: int
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ".wav"
    suffixes: ClassVar[tuple[str, ...]] = (".wav", ".npz", ".safetensors")

    def __post_init__(self) -> None:
        w = self.waveform
        if w.ndim != 2 or w.shape[0] not in (1, 2) or not w.shape[1] or not w.is_floating_point():
            raise PluginError(f"audio must be float [1 or 2, samples], not {w.dtype} {list(w.shape)}")
        if not bool(w.isfinite().all()) or float(w.abs().max()) > 1:
            raise PluginError(f"audio must be finite and in [-1, 1], not up to {float(w.abs().max()):g}")
        if isinstance(self.rate, bool) or not isinstance(self.rate, int) or not 1 <= self.rate <= 768_000:
            raise PluginError(f"the rate of audio must be 1 to 768000 samples a second, not {self.rate!r}")

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float(self.waveform.shape[1] / self.rate)

    def wav(self) -> bytes:
        """The content of the WAV file, 16 bits a sample."""
        samples = (self.waveform.T * LOUDEST).round().short().contiguous().cpu().numpy().astype("<i2")
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(samples.shape[1])
            file.setsampwidth(2)
            file.setframerate(self.rate)
            file.writeframes(samples.tobytes())
        return _with_chunk(buffer.getvalue(), self.provenance)

    def encoded(self, suffix: str) -> bytes:
        """See `Saved`: WAV of 16 bits a sample; or arrays: ``waveform``, float32 [channels, samples], and ``rate``."""
        if suffix == ".wav":
            return self.wav()
        import numpy as np

        arrays = {"rate": np.array(self.rate, np.int64), "waveform": self.waveform.float().contiguous().numpy()}
        return (encoding.npz_bytes if suffix == ".npz" else encoding.tensor_bytes)(arrays, self.provenance)

    def extent(self) -> str:
        """See `Saved`."""
        return f"{self.seconds:.1f} s of sound"

    def _repr_html_(self) -> str:
        return f'<audio controls src="{html.inlined(self.wav(), "audio/wav")}"></audio>'


def _with_chunk(wav: bytes, provenance: Mapping[str, Any]) -> bytes:
    """A WAV file with a chunk ``zoo `` of JSON at its end, which players pass over (RIFF, 1991, chapter 2)."""
    if not provenance:
        return wav
    said = encoding.said(provenance).encode()
    said += b" " * (len(said) % 2)  # chunks have an even length
    whole = wav + b"zoo " + len(said).to_bytes(4, "little") + said
    return whole[:4] + (len(whole) - 8).to_bytes(4, "little") + whole[8:]
