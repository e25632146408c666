"""What moves and what sounds: animations are saved as GIF, waveforms as WAV, both with their provenance inside."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import PluginError
from .kinds import Images

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

LONGEST = 655.35  # seconds that a GIF can show a frame: hundredths in 16 bits
SHORTEST = 0.02  # below it players take a tenth of a second instead
LOUDEST = 32767  # of 16 bits


@dataclass(frozen=True)
class Animation:
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

    def gif(self) -> bytes:
        """The content of the GIF; the frames have the size of the largest, since captions need room."""
        from PIL import Image

        drawn = [frame.draw() for frame in self.frames]
        size = max(image.width for image in drawn), max(image.height for image in drawn)
        frames = []
        for image in drawn:
            canvas = Image.new("RGB", size, "white")
            canvas.paste(image, ((size[0] - image.width) // 2, 0))
            frames.append(canvas)
        times = [round(1000 * self.seconds)] * (len(frames) - 1) + [round(1000 * self.pause)]
        said = json.dumps(self.provenance, sort_keys=True).encode() if self.provenance else b""
        buffer = io.BytesIO()
        frames[0].save(
            buffer, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, comment=said, optimize=True
        )
        return buffer.getvalue()

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write the GIF; an existing file is kept unless `overwrite`."""
        from ..files import write_new

        return write_new(path, self.gif(), overwrite)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return f'<img alt="animation" src="data:image/gif;base64,{base64.b64encode(self.gif()).decode()}">'


@dataclass(frozen=True)
class Audio:
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

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write the WAV file; an existing file is kept unless `overwrite`."""
        from ..files import write_new

        return write_new(path, self.wav(), overwrite)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return f'<audio controls src="data:audio/wav;base64,{base64.b64encode(self.wav()).decode()}"></audio>'


def _with_chunk(wav: bytes, provenance: Mapping[str, Any]) -> bytes:
    """A WAV file with a chunk ``zoo `` of JSON at its end, which players pass over (RIFF, 1991, chapter 2)."""
    if not provenance:
        return wav
    said = json.dumps(provenance, sort_keys=True).encode()
    said += b" " * (len(said) % 2)  # chunks have an even length
    whole = wav + b"zoo " + len(said).to_bytes(4, "little") + said
    return whole[:4] + (len(whole) - 8).to_bytes(4, "little") + whole[8:]
