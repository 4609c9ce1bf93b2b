"""Expands a SAM template to the CloudFormation that AWS makes of it, so that cfn-lint sees every resource.

cfn-lint knows a SAM function's own properties and stops at its events and roles. Nothing is sent anywhere.
"""

import json
import sys

from cfnlint.decode.cfn_yaml import load
from samtranslator.public.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """Stands for the list of AWS's managed policies: the template names none."""

    def load(self):
        return {}


def uploaded(template):
    """The template as `sam package` leaves it: folders have become objects in a bucket."""
    for resource in template["Resources"].values():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = "s3://bucket/object"
    return template


def main(path):
    try:
        expanded = transform(uploaded(load(path)), {}, NoManagedPolicies())
    except InvalidDocumentException as error:
        sys.exit(f"{path}: {error.message} " + " ".join(cause.message for cause in error.causes))
    json.dump(expanded, sys.stdout, indent=2)


main(sys.argv[1])
