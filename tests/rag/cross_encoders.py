"""A cross-encoder of random weights, small enough to be made and exported by a test."""

from pathlib import Path

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "whale", "island", "a", "captain", "desert", "hunts", "sea")


def made(folder: Path, *, labels: int = 1) -> str:
    """Write its files as any cross-encoder has them; gives its name, which is the path."""
    import torch  # noqa: PLC0415 - seconds, which only tests of exports need to pay
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer  # noqa: PLC0415 - the same

    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        initializer_range=2.0,
    )
    config.num_labels = labels
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return str(folder)
