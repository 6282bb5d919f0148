"""Known vulnerabilities of what is installed, by pip-audit. Where its service does not answer, that is said, and is no verdict."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

KNOWN = "https://pypi.org/pypi/requests/2.19.0/json"  # a version with known vulnerabilities: an answer without them is no answer
PATIENCE = 3  # seconds


def reachable() -> bool:
    """Whether the service that pip-audit asks answers, and knows vulnerabilities: mirrors often serve packages alone."""
    try:
        with urllib.request.urlopen(KNOWN, timeout=PATIENCE) as answer:
            return bool(json.load(answer).get("vulnerabilities"))
    except (urllib.error.URLError, OSError, ValueError):
        return False


def main() -> int:
    if not reachable():
        sys.stdout.write("pip-audit: not checked: unreachable\n")
        return 0
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "pip-audit"], check=True)
    command = [sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off"]
    said = subprocess.run(command, capture_output=True, text=True)
    try:
        found = json.loads(said.stdout)["dependencies"]
    except (ValueError, KeyError):
        sys.stdout.write(f"pip-audit: {said.stderr}\n")
        return 1
    for each in found:
        for problem in each.get("vulns", []):
            fixed = ", ".join(problem["fix_versions"]) or "none yet"
            sys.stdout.write(f"{each['name']} {each['version']}: {problem['id']}, fixed in {fixed}\n")
    skipped = [each["name"] for each in found if "skip_reason" in each]
    sys.stdout.write(f"pip-audit: {len(found) - len(skipped)} packages checked, not checked: {', '.join(skipped) or 'none'}\n")
    return int(any(each.get("vulns") for each in found))


if __name__ == "__main__":
    sys.exit(main())
