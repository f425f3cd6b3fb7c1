"""Makes models small enough for a test: right in form, random in content, and nothing to download.

The speech model may only say words of a short list, so that what it says can be aligned; which of them is chance.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import ctranslate2
import numpy as np
import pytorch_lightning
import torch
from faster_whisper.tokenizer import _LANGUAGE_CODES
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.embedding import XVectorMFCC
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WORDS = ("we", "speak", "of", "42", "rivers", "and", "1984", "hills", "7", "today.", "Then", "rain")
ALPHABET = "abcdefghijklmnopqrstuvwxyz'"
TASKS = ("translate", "transcribe")
EMBEDDING_SIZE = 256
PLDA_SIZE = 128


def make_whisper(folder: Path, *, languages: Sequence[str] = tuple(_LANGUAGE_CODES), seed: int = 1) -> Path:
    """A CTranslate2 Whisper with two layers, whose answers end after some of `WORDS`."""
    source = folder.with_name(f"{folder.name}-source")
    source.mkdir(parents=True)
    tokenizer = _whisper_tokenizer(languages)
    ids = tokenizer.get_vocab()
    eot, sot = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    sayable = {ids[_byte_level(f" {word}")] for word in WORDS}
    config = WhisperConfig(
        vocab_size=len(ids),
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        num_mel_bins=80,
        bos_token_id=eot,
        eos_token_id=eot,
        # Its embedding is zero, which would make it the least likely of all.
        pad_token_id=ids["<|nospeech|>"],
        decoder_start_token_id=sot,
    )
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(config)
    # What comes next then depends on the place in the text, so that the words change and the text ends.
    torch.nn.init.normal_(model.model.decoder.embed_positions.weight, std=1.0)
    model.generation_config = GenerationConfig(
        suppress_tokens=sorted(set(range(len(ids))) - sayable - {eot}),
        begin_suppress_tokens=[eot],
        lang_to_id={f"<|{code}|>": ids[f"<|{code}|>"] for code in languages},
    )
    model.save_pretrained(source)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(source)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>"
    )
    fast.save_pretrained(source)
    converter = ctranslate2.converters.TransformersConverter(
        str(source), copy_files=["tokenizer.json", "preprocessor_config.json"]
    )
    converter.convert(str(folder))
    return folder


def _byte_level(text: str) -> str:
    """As the vocabulary writes it: a space is Ġ."""
    return text.replace(" ", "Ġ")


def _whisper_tokenizer(languages: Sequence[str]) -> Tokenizer:
    """Bytes, the words as single tokens, and Whisper's own marks in their order."""
    pieces = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        whole = _byte_level(f" {word}")
        for end in range(2, len(whole) + 1):
            if whole[:end] not in vocabulary:
                vocabulary[whole[:end]] = len(vocabulary)
                merges.append((whole[: end - 1], whole[end - 1]))
    marks = [
        "endoftext",
        "startoftranscript",
        *languages,
        *TASKS,
        "startoflm",
        "startofprev",
        "nospeech",
        "notimestamps",
    ]
    times = [f"{step * 0.02:.2f}" for step in range(1501)]
    # CTranslate2 takes a Whisper for multilingual by the empty token that OpenAI's multilingual vocabulary has.
    if languages:
        vocabulary[""] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(f"<|{mark}|>", special=True, normalized=False) for mark in marks])
    tokenizer.add_tokens([AddedToken(f"<|{time}|>", normalized=False) for time in times])
    return tokenizer


def make_aligner(folder: Path, *, seed: int = 2) -> Path:
    """A wav2vec2 with CTC over `ALPHABET`; digits are not in it, as in the models people use."""
    folder.mkdir(parents=True)
    pieces = ["<pad>", "<s>", "</s>", "<unk>", "|", *ALPHABET]
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({piece: number for number, piece in enumerate(pieces)}), encoding="utf-8")
    tokenizer = Wav2Vec2CTCTokenizer(str(vocabulary), word_delimiter_token="|")
    Wav2Vec2Processor(feature_extractor=Wav2Vec2FeatureExtractor(), tokenizer=tokenizer).save_pretrained(folder)
    torch.manual_seed(seed)
    config = Wav2Vec2Config(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(32,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    return folder


def make_diarization(folder: Path, segmentation: Path, *, seed: int = 3) -> Path:
    """A folder as pyannote's community-1 is one: the given segmentation model, a random embedding and a random PLDA."""
    for part in ("segmentation", "embedding", "plda"):
        (folder / part).mkdir(parents=True)
    shutil.copyfile(segmentation, folder / "segmentation" / "pytorch_model.bin")
    _save_embedding(folder / "embedding" / "pytorch_model.bin", seed)
    axes, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((EMBEDDING_SIZE, PLDA_SIZE)))
    np.savez(
        folder / "plda" / "xvec_transform.npz", mean1=np.zeros(EMBEDDING_SIZE), mean2=np.zeros(PLDA_SIZE), lda=axes
    )
    np.savez(
        folder / "plda" / "plda.npz",
        mu=np.zeros(PLDA_SIZE),
        tr=np.eye(PLDA_SIZE),
        psi=np.linspace(4.0, 0.1, PLDA_SIZE),
    )
    parameters = {
        "clustering": "VBxClustering",
        "segmentation": "$model/segmentation",
        "embedding": "$model/embedding",
        "embedding_exclude_overlap": True,
        "plda": "$model/plda",
    }
    config = {
        "dependencies": {"pyannote.audio": "4.0.0"},
        "pipeline": {"name": "pyannote.audio.pipelines.SpeakerDiarization", "params": parameters},
        "params": {
            "segmentation": {"threshold": 0.5, "min_duration_off": 0.0},
            "clustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8},
        },
    }
    # JSON is YAML.
    (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    return folder


def _save_embedding(path: Path, seed: int) -> None:
    torch.manual_seed(seed)
    model = XVectorMFCC(dimension=EMBEDDING_SIZE)
    model.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=5.0, classes=["a", "b"]
    )
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": pytorch_lightning.__version__,
    }
    model.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, path)
