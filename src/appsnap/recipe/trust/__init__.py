"""Trust: the names that a snapshot may use."""

from __future__ import annotations

from appsnap.recipe.trust.audit import EVERYTHING, SPECIAL_METHODS, Everything, Grant, Trust, audit, carries_code, wants

__all__ = ["EVERYTHING", "SPECIAL_METHODS", "Everything", "Grant", "Trust", "audit", "carries_code", "wants"]
