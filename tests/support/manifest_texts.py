"""Manifests that several tests begin with."""

from __future__ import annotations

TWO_MODELS = """
name: chat
config:
  served_entities:
    - name: gpt
      external_model: &model
        name: gpt-4o
        provider: openai
        task: llm/v1/chat
        openai_config: {openai_api_key_plaintext: "${env.SHOP_KEY}"}
    - {name: next, external_model: *model}
  traffic_config:
    routes:
      - {served_entity_name: gpt, traffic_percentage: 100}
      - {served_entity_name: next, traffic_percentage: 0}
"""
"""An endpoint `chat` that answers, with a second model that gets no traffic; needs `SHOP_KEY`."""
