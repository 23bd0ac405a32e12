"""Language models behind HTTP: anything that speaks OpenAI's chat completions, and Anthropic's Messages.

Both are written from general knowledge of their public documentation, not from samples of their traffic: what they
answer is taken apart with nothing taken for granted. Text comes as it is written and is nobody's word: whoever shows it
treats it as hostile.
"""

from integrations.language_models.anthropic import Anthropic
from integrations.language_models.openai import OpenAICompatible
from integrations.language_models.values import Ended, LanguageModel, Piece, Prompt, StopReason, Usage

__all__ = [
    "Anthropic",
    "Ended",
    "LanguageModel",
    "OpenAICompatible",
    "Piece",
    "Prompt",
    "StopReason",
    "Usage",
]
