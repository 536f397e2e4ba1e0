"""What a model is, seen in its config, its modules and one watched forward, whatever its architecture."""

from models.model_facts.facts import HeadFacts, ModelFacts, ModelFactsRequest, StackFacts, model_facts
