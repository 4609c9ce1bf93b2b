"""Compares the template and docs/operate.md with the code, and holds the template to rules: check_template.py EXPANDED.

EXPANDED is the CloudFormation that expand_template.py makes. What is compared is read from the source itself: variables,
calls of the AWS SDK, the table's layout, metrics, codes, log messages. A rule that cannot find what it is about fails too.
"""

import json
import re
import sys
import tomllib
from pathlib import Path

from botocore.loaders import Loader

# Calls that only the embedded database of the program gets: a deployed table comes from the template.
EMBEDDED_ONLY = {"CreateTable", "DescribeTimeToLive", "UpdateTimeToLive"}
# What a transaction needs for each kind of write in it.
WRITES = {"put": "PutItem", "update": "UpdateItem", "delete": "DeleteItem", "condition_check": "ConditionCheckItem"}
# What the platform needs, whatever the code does: logs, traces, the destination of failed runs, the schedule.
PLATFORM = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "sqs:SendMessage",
    "lambda:InvokeFunction",
}
# The only actions with the resource `*`: IAM knows no resources for them.
WITHOUT_RESOURCES = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
# What an access log must not hold, because ids and names of people stand in it, or it is a person's address.
PERSONAL = ("path", "query", "sourceIp", "routeKey", "identity", "authorizer", "domain")

problems = []


def expect(holds, message):
    if not holds:
        problems.append(message)


def same(what, wanted, found):
    """Both ways: what is missing in the template, and what is there for nothing."""
    expect(wanted, f"{what}: the code shows none; has it moved?")
    for missing in sorted(wanted - found):
        problems.append(f"{what}: the code uses `{missing}`, the template lacks it")
    for unused in sorted(found - wanted):
        problems.append(f"{what}: the template has `{unused}`, the code does not use it")


def source(*folders):
    """The code of these folders, without its tests."""
    files = (file for folder in folders for file in sorted(Path(folder).rglob("*.rs")))
    return "\n".join(
        file.read_text().split("#[cfg(test)]\nmod tests {")[0]
        for file in files
        if "tests" not in file.parts and file.name != "tests.rs"
    )


def of_type(template, kind):
    return {name: it["Properties"] for name, it in template["Resources"].items() if it["Type"] == kind}


def listed(value):
    return value if isinstance(value, list) else [value]


def check_variables(template):
    read = set(re.findall(r'"(ROLLCALL_[A-Z_]+)"', source("functions/sync/src", "functions/scim/src", "shared/startup/src")))
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        same(f"variables of {name}", read, set(function["Environment"]["Variables"]))


def used_actions():
    """What the code asks of AWS, as IAM names it."""
    actions = set()
    for service, folder in (("dynamodb", "shared/state/src"), ("secretsmanager", "shared/secrets/src")):
        code = source(folder)
        operations = set(Loader().load_service_model(service, "service-2")["operations"])
        calls = re.findall(r"\.\s*([a-z_]+)\(\)", code)
        names = operations & {call.title().replace("_", "") for call in calls} - EMBEDDED_ONLY
        if "TransactWriteItems" in names:
            names.discard("TransactWriteItems")
            names |= {action for method, action in WRITES.items() if f"sdk.{method}(" in code}
        actions |= {f"{service}:{name}" for name in names}
    return actions


def statements(template):
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def check_permissions(template):
    granted = set()
    for role, statement in statements(template):
        actions = set(listed(statement["Action"]))
        granted |= actions
        expect(not any("*" in action for action in actions), f"{role}: an action with a wildcard")
        expect("NotAction" not in statement and "NotResource" not in statement, f"{role}: a grant of all but something")
        wild = any(resource == "*" for resource in listed(statement["Resource"]))
        expect(not wild or actions <= WITHOUT_RESOURCES, f"{role}: the resource `*` for {sorted(actions)}")
    same("permissions", used_actions() | PLATFORM, granted)
    for name, role in of_type(template, "AWS::IAM::Role").items():
        expect("ManagedPolicyArns" not in role, f"{name}: a managed policy grants more than the code uses")


def check_table(template):
    (table,) = of_type(template, "AWS::DynamoDB::Table").values()
    code = source("shared/state/src")
    constant = lambda name: set(re.findall(rf'const {name}: &str = "([a-z_]+)"', code))
    indexes = table["GlobalSecondaryIndexes"]
    same("index", constant("LOOKUP"), {index["IndexName"] for index in indexes})
    same("expiry", constant("EXPIRES_AT"), {table["TimeToLiveSpecification"]["AttributeName"]})
    attributes = {attribute["AttributeName"] for attribute in table["AttributeDefinitions"]}
    same("keys", set(re.findall(r'string\("([a-z]+)"\)', code)) | constant("LOOKUP"), attributes)
    expect(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], "the table is not backed up")
    expect(table["SSESpecification"]["SSEEnabled"], "the table is not encrypted")
    expect(table["DeletionProtectionEnabled"], "the table can be deleted")


def check_rules(template):
    for name, it in template["Resources"].items():
        if it["Type"] in ("AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"):
            kept = {it.get("DeletionPolicy"), it.get("UpdateReplacePolicy")}
            expect(kept == {"Retain"}, f"{name} does not outlive the stack")
    for name, group in of_type(template, "AWS::Logs::LogGroup").items():
        expect("RetentionInDays" in group, f"{name} keeps logs for ever")
    for name, secret in of_type(template, "AWS::SecretsManager::Secret").items():
        expect("SecretString" not in secret, f"{name}: a secret passes through the template")
    for name, queue in of_type(template, "AWS::SQS::Queue").items():
        expect(queue.get("SqsManagedSseEnabled"), f"{name} is not encrypted")
    for name, topic in of_type(template, "AWS::SNS::Topic").items():
        expect("KmsMasterKeyId" in topic, f"{name} is not encrypted")
    for name, key in of_type(template, "AWS::KMS::Key").items():
        expect(key.get("EnableKeyRotation"), f"{name} is never rotated")
    for name, domain in of_type(template, "AWS::ApiGatewayV2::DomainName").items():
        versions = {it.get("SecurityPolicy") for it in domain["DomainNameConfigurations"]}
        expect(versions == {"TLS_1_2"}, f"{name} takes TLS before 1.2")
    for name, stage in of_type(template, "AWS::ApiGatewayV2::Stage").items():
        logged = re.findall(r"\$context\.([\w.]+)", stage["AccessLogSettings"]["Format"])
        expect(logged, f"{name} logs no access")
        for field in logged:
            expect(not field.startswith(PERSONAL), f"{name}: the access log has `{field}`")
        limits = stage["DefaultRouteSettings"]
        expect({"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= set(limits), f"{name} is not throttled")


def resolved(value, is_public):
    """A text of the template, its variables replaced by their names, `Fn::If` by what holds where SCIM is served or not."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::If":
        return resolved(argument[1 if is_public else 2], is_public)
    if function != "Fn::Sub":
        return str(argument)
    text, variables = argument if isinstance(argument, list) else (argument, {})
    for name, variable in variables.items():
        text = text.replace(f"${{{name}}}", resolved(variable, is_public))
    return re.sub(r"\$\{([\w:.]+)\}", r"\1", text)


OURS = "rollcall/AWS::StackName"


def shown_metrics(template):
    """Metrics of our namespace that alarms, the dashboard and its queries read."""
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        if resolved(alarm["Namespace"], True) == OURS:
            yield name, alarm["MetricName"]
    (dashboard,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    for is_public in (True, False):
        for widget in json.loads(resolved(dashboard["DashboardBody"], is_public))["widgets"]:
            title = widget["properties"].get("title", "a text")
            before = ()
            for row in widget["properties"].get("metrics", []):
                # `.` and `...` stand for what the row before has in that place.
                names = [field for field in row if isinstance(field, str)]
                names = list(before) if names == ["..."] else names
                names = [before[place] if field == "." else field for place, field in enumerate(names)]
                before = names
                if names[0] == OURS:
                    yield title, names[1]
            for name in re.findall(r"\b(?:Run|People)[A-Z]\w+", widget["properties"].get("query", "")):
                yield title, name


def check_metrics(template):
    code = "".join(Path(f"functions/{function}/src/metrics.rs").read_text() for function in ("sync", "scim"))
    written = set(re.findall(r'"((?:Run|People|Held|Calls|Scim|JumpCloudKey|Warnings)\w*)"', code))
    expect(written, "metrics: the code shows none; has it moved?")
    for where, name in shown_metrics(template):
        expect(name in written, f"{where}: no function writes the metric `{name}`")
    told = set(re.findall(r"`(\w+)`", Path("docs/operate.md").read_text()))
    for name in sorted(written - told):
        problems.append(f"docs/operate.md does not tell what the metric `{name}` is")


def check_queries(template):
    """Saved queries look for messages and fields that the code logs."""
    code = source("functions/sync/src", "functions/scim/src", "shared")
    access_log = json.dumps(of_type(template, "AWS::ApiGatewayV2::Stage"))
    for name, query in of_type(template, "AWS::Logs::QueryDefinition").items():
        text = "\n".join(line for line in query["QueryString"].splitlines() if not line.startswith("#"))
        for message in re.findall(r'message = "([^"]+)"', text):
            expect(f'"{message}"' in code, f"{name}: nothing logs the message `{message}`")
        fields = set(re.findall(r"\b(?:worker|user|run)\.id\b", text))
        fields |= {field for field in ("vendor", "client", "target", "jumpcloud", "duration_ms", "reason") if re.search(rf"\b{field}\b", text)}
        for field in sorted(fields):
            logged = re.search(rf"\b{re.escape(field)} = ", code) or re.search(rf"\b{field},", code)
            expect(logged or f'\\"{field}\\"' in access_log, f"{name}: nothing logs the field `{field}`")


def check_codes(_):
    """docs/operate.md tells what to do about each code of a report."""
    code = source("functions/sync/src", "shared/mapping/src")
    made = r'(?:Reason::new|Warning::new|of_run|of_source|\bwarn|\bwarning|\bskip)\(\s*(?:[\w&.]+,\s*)?"([a-z_]+)"'
    codes = set(re.findall(made, code))
    expect(codes, "codes: the code shows none; has it moved?")
    told = Path("docs/operate.md").read_text()
    for missing in sorted(it for it in codes if f"`{it}`" not in told):
        problems.append(f"docs/operate.md does not tell what the code `{missing}` is")


def check_configurations(template):
    """Each environment's configuration names the secrets that its stack makes."""
    secrets = {resolved(secret["Name"], True) for secret in of_type(template, "AWS::SecretsManager::Secret").values()}
    for name, environment in tomllib.loads(Path("samconfig.toml").read_text()).items():
        if name == "version":
            continue
        stack = environment["global"]["parameters"]["stack_name"]
        given = environment["deploy"]["parameters"].get("parameter_overrides", [])
        file = dict(it.split("=", 1) for it in given).get("ConfigFile", template["Parameters"]["ConfigFile"]["Default"])
        config = tomllib.loads(Path("infra/config", file).read_text())
        named = {config["jumpcloud"]["api_key"], config["scim"]["tokens"]}
        named |= {source["api_key"] for source in config["source"]}
        made = {secret.replace("AWS::StackName", stack) for secret in secrets}
        for secret in sorted(named - made):
            problems.append(f"{file}: the stack `{stack}` makes no secret `{secret}`")


def main(path):
    template = json.loads(Path(path).read_text())
    for check in (
        check_variables,
        check_permissions,
        check_table,
        check_rules,
        check_metrics,
        check_queries,
        check_codes,
        check_configurations,
    ):
        check(template)
    for problem in problems:
        print(problem)
    sys.exit(bool(problems))


main(sys.argv[1])
