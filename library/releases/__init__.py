"""Releases: what they say of themselves, whether they are the wanted book, how good they are, whether to take them."""

from library.releases.decisions import Component, Cost, Decision, Rejection, RejectionCode, Rule
from library.releases.facts import AUDIO_FORMATS, ReleaseFacts, merge
from library.releases.gate import (
    AccountState,
    ClientState,
    GateAnswer,
    Grab,
    GrabRules,
    Refusal,
    RefusalCode,
    cost_of,
    is_below_floor,
    may_grab,
)
from library.releases.matching import FreeText, Match, Wanted, match
from library.releases.profiles import DEFAULT_PROFILE, Policy, ProfileInvalid, QualityProfile, Weights
from library.releases.scoring import OwnedBest, grabs_itself, judge, ranked
from library.releases.titles import read_tags, read_title

__all__ = [
    "AUDIO_FORMATS",
    "DEFAULT_PROFILE",
    "AccountState",
    "ClientState",
    "Component",
    "Cost",
    "Decision",
    "FreeText",
    "GateAnswer",
    "Grab",
    "GrabRules",
    "Match",
    "OwnedBest",
    "Policy",
    "ProfileInvalid",
    "QualityProfile",
    "Refusal",
    "RefusalCode",
    "Rejection",
    "RejectionCode",
    "ReleaseFacts",
    "Rule",
    "Wanted",
    "Weights",
    "cost_of",
    "grabs_itself",
    "is_below_floor",
    "judge",
    "match",
    "may_grab",
    "merge",
    "ranked",
    "read_tags",
    "read_title",
]
