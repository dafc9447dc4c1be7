"""Identities of senders, as API Gateway states them to functions after it has verified a signature.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from local.aws.functions.function import ACCOUNT

# Taken for requests without a signature, which only this machine can send.
LOCAL = f"arn:aws:iam::{ACCOUNT}:user/local"
# They have every role in every domain: who runs this, and the emulator's own key.
LOCAL_ADMINISTRATORS = (LOCAL, f"arn:aws:iam::{ACCOUNT}:root")


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """A verified identity.

    Attributes:
        access_key: that signed.
        arn: of the user, or of the role's session.
        user_id: unique id of the user, or of the role with the session's name.
        account: of the identity.
    """

    access_key: str
    arn: str
    user_id: str
    account: str

    def document(self) -> Mapping[str, str]:
        """Returns what `requestContext.identity` says of it."""
        return {
            "accessKey": self.access_key,
            "accountId": self.account,
            "caller": self.user_id,
            "user": self.user_id,
            "userArn": self.arn,
        }


LOCAL_ADMINISTRATOR = SenderIdentity("AKIALOCAL", LOCAL, "AIDALOCAL", ACCOUNT)
