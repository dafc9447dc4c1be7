"""The one logger and tracer.

Service and level come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL. Requests and responses carry voices and
people's identifiers, so neither is ever logged or traced whole.
"""

from aws_lambda_powertools import Logger, Tracer

logger = Logger()
# Clients are patched where spans are wanted, not all that X-Ray knows: patching everything costs start-up time.
tracer = Tracer(auto_patch=False)
