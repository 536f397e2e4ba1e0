"""Inside of a model: every part, what it costs, and what it does for one text."""

from models.anatomy.diagram import Arrow, Box, Diagram, ModelPlan
from models.anatomy.plan import PlanError, PlanRequest, plan_of, plan_of_config
