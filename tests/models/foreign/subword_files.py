"""Files of subwords as other people make them, learnt from a few lines. Nothing of the project is used here."""

import io
from functools import cache

import sentencepiece
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

LINES = (
    "the cat sat on the mat and the dog looked at it",
    "the dog sat on the cat and the mat was in the house",
    "a cat and a dog are in the house, and a mat is on the floor",
    "the house of the cat is the house of the dog",
    "Là où la forêt commençait, une élève naïve mangeait.",
)


@cache
def byte_level() -> str:
    """As of GPT-2: byte pairs, with the space before a word as a letter."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        LINES, trainers.BpeTrainer(vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False)
    )
    return tokenizer.to_str()


@cache
def word_piece() -> str:
    """As of BERT: lower case, pieces that go on a word begin with "##"."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(LINES, trainers.WordPieceTrainer(vocab_size=70, special_tokens=["[PAD]", "[UNK]"], show_progress=False))
    tokenizer.enable_padding(length=50)
    tokenizer.enable_truncation(3)
    return tokenizer.to_str()


@cache
def metaspace() -> str:
    """As of T5: a Unigram model, with "▁" for the space before a word."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=70, special_tokens=["<pad>", "<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(LINES, trainer)
    return tokenizer.to_str()


@cache
def sentence_piece(model_type: str = "bpe") -> bytes:
    """A model of SentencePiece."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 3),
        model_writer=written,
        vocab_size=60 if model_type == "bpe" else 320,
        model_type=model_type,
        byte_fallback=model_type != "bpe",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return written.getvalue()
