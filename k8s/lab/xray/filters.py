"""Filter expressions: text -> a tree. Source: X-Ray developer guide, "using filter expressions".

expression = conjunction { "OR" conjunction }
conjunction = factor { [ "AND" ] factor }
factor = "!" factor | "(" expression ")" | service | edge | keyword [ operator value ]
service = "service" "(" [ who ] ")" [ "{" expression "}" ]
edge = "edge" "(" who "," who ")" [ "{" expression "}" ]
who = string | "id" "(" field ":" string { "," field ":" string } ")"
"""

import re
from dataclasses import dataclass
from typing import Final

from k8s.lab.xray.api_errors import invalid_request

Literal = str | float | bool

BOOLEANS: Final = frozenset({"ok", "error", "throttle", "fault", "partial", "inferred", "root"})
NUMBERS: Final = frozenset({"responsetime", "duration", "http.status"})
STRINGS: Final = frozenset(
    {
        *("http.url", "http.method", "http.useragent", "http.clientip", "user", "name", "type", "message"),
        *("availabilityzone", "instance.id", "resource.arn", "group.name", "group.arn"),
    }
)
_ID_FIELDS: Final = frozenset({"name", "type", "account.id"})
_EQUALITY: Final = frozenset({"=", "!="})
_ORDER: Final = frozenset({"<", "<=", ">", ">="})
_TEXT: Final = frozenset({"CONTAINS", "BEGINSWITH", "ENDSWITH"})
_OPERATORS: Final = _EQUALITY | _ORDER | _TEXT
_DEEPEST: Final = 50
_LONGEST: Final = 5_000
"""Characters; AWS tells no bound."""
_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<word>[A-Za-z_][\w.\-]*(?:\[[^\]]+\])?)
    | (?P<sign><=|>=|!=|[=<>!(){},:])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Which service is meant; None fields match any."""

    name: str | None = None
    type: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The opposite."""

    term: "Expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """All of the terms."""

    terms: tuple["Expression", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """Any of the terms."""

    terms: tuple["Expression", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """A keyword, with an operator and a value, or (both None) alone: true, or set."""

    keyword: str
    operator: str | None = None
    value: Literal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """An annotation's value, or (operator None) whether it is set, and not to false."""

    key: str
    operator: str | None = None
    value: Literal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFilter:
    """A node of the trace for which the inner expression holds."""

    who: Who
    inner: "Expression | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFilter:
    """A call of the trace for which the inner expression holds."""

    caller: Who
    callee: Who
    inner: "Expression | None" = None


Expression = Not | And | Or | Keyword | Annotation | ServiceFilter | EdgeFilter


def parse(expression: str) -> Expression:
    """The tree of an expression; InvalidRequestException where it is not one."""
    parser = _Parser(expression)
    tree = parser.alternatives()
    parser.expect_end()
    return tree


def parse_selector(expression: str) -> ServiceFilter | EdgeFilter:
    """The entity in ``service(..)``, ``edge(.., ..)`` or ``id(..)``; InvalidRequestException for others."""
    parser = _Parser(expression)
    tree = parser.entity()
    parser.expect_end()
    return tree


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = _tokens(expression)
        self._next = 0
        self._depth = 0
        self._inside = False
        """Whether the parser is inside the braces of service or edge."""

    def alternatives(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("it is nested too deeply")
        terms = [self._conjunction()]
        while self._take_word("OR"):
            terms.append(self._conjunction())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else Or(terms=tuple(terms))

    def expect_end(self) -> None:
        if self._next < len(self._tokens):
            raise self._error(f"{self._tokens[self._next][1]} was not expected")

    def _conjunction(self) -> Expression:
        terms = [self._factor()]
        while self._take_word("AND") or self._begins_factor():
            terms.append(self._factor())
        return terms[0] if len(terms) == 1 else And(terms=tuple(terms))

    def _begins_factor(self) -> bool:
        kind, token = self._peek()
        return token in {"!", "("} or (kind == "word" and token.upper() != "OR")

    def _factor(self) -> Expression:
        if self._take("!"):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self._error("it is nested too deeply")
            term = self._factor()
            self._depth -= 1
            return Not(term=term)
        if self._take("("):
            tree = self.alternatives()
            self._expect(")")
            return tree
        kind, token = self._peek()
        if kind != "word":
            raise self._error(f"a keyword was expected, not {token or 'its end'}")
        self._next += 1
        if self._peek()[1] == "(" and token.lower() in {"service", "edge"}:
            return self._complex(token.lower())
        return self._comparison(token)

    def entity(self) -> ServiceFilter | EdgeFilter:
        kind, token = self._peek()
        if kind == "word" and token.lower() == "id":
            return ServiceFilter(who=self._who())
        if kind != "word" or token.lower() not in {"service", "edge"}:
            raise self._error(f"service, edge or id was expected, not {token or 'its end'}")
        self._next += 1
        tree = self._complex(token.lower())
        if tree.inner is not None:
            raise self._error("conditions cannot be used here")
        return tree

    def _complex(self, word: str) -> ServiceFilter | EdgeFilter:
        if self._inside:
            raise self._error(f"{word} cannot be used inside service or edge")
        self._expect("(")
        callers = Who() if word == "service" and self._peek()[1] == ")" else self._who()
        if word == "service":
            self._expect(")")
            return ServiceFilter(who=callers, inner=self._braces())
        self._expect(",")
        callee = self._who()
        self._expect(")")
        return EdgeFilter(caller=callers, callee=callee, inner=self._braces())

    def _braces(self) -> Expression | None:
        if not self._take("{"):
            return None
        self._inside = True
        tree = self.alternatives()
        self._inside = False
        self._expect("}")
        return tree

    def _who(self) -> Who:
        kind, token = self._peek()
        if kind == "text":
            self._next += 1
            return Who(name=_unquoted(token))
        if not self._take_word("id"):
            raise self._error(f"a quoted name or id(...) was expected, not {token or 'its end'}")
        self._expect("(")
        fields: dict[str, str] = {}
        while True:
            _, field = self._peek()
            if field.lower() not in _ID_FIELDS:
                raise self._error(f"id has no field {field or '(none)'}")
            self._next += 1
            self._expect(":")
            kind, token = self._peek()
            if kind != "text":
                raise self._error(f"a quoted value was expected after {field}")
            self._next += 1
            fields[field.lower()] = _unquoted(token)
            if not self._take(","):
                break
        self._expect(")")
        return Who(name=fields.get("name"), type=fields.get("type"), account=fields.get("account.id"))

    def _comparison(self, word: str) -> Expression:
        operator, value = self._operator_and_value()
        annotation = _annotation_key(word)
        if annotation is not None:
            if self._inside:
                raise self._error("annotations cannot be used inside service or edge")
            return Annotation(key=annotation, operator=operator, value=value)
        keyword = word.lower()
        if keyword in BOOLEANS:
            fits = operator is None or (operator in _EQUALITY and isinstance(value, bool))
        elif keyword in NUMBERS:
            fits = operator is None or (operator not in _TEXT and type(value) is float)
        elif keyword in STRINGS:
            fits = operator is None or (operator not in _ORDER and isinstance(value, str))
        else:
            raise self._error(f"{word} is not a keyword")
        if not fits:
            raise self._error(f"{word} cannot be compared in this way")
        return Keyword(keyword=keyword, operator=operator, value=value)

    def _operator_and_value(self) -> tuple[str | None, Literal | None]:
        operator = self._peek()[1].upper()
        if operator not in _OPERATORS:
            return None, None
        self._next += 1
        kind, token = self._peek()
        self._next += 1
        if kind == "text":
            return operator, _unquoted(token)
        if kind == "number":
            return operator, float(token)
        if token.lower() in {"true", "false"}:
            return operator, token.lower() == "true"
        raise self._error(f"a value was expected after {operator}, not {token or 'its end'}")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")

    def _take(self, sign: str) -> bool:
        taken = self._peek() == ("sign", sign)
        self._next += taken
        return taken

    def _take_word(self, word: str) -> bool:
        kind, token = self._peek()
        taken = kind == "word" and token.lower() == word.lower()
        self._next += taken
        return taken

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._error(f"{sign} was expected, not {self._peek()[1] or 'its end'}")

    def _error(self, why: str) -> Exception:
        return _invalid(self._expression, why)


def _tokens(expression: str) -> list[tuple[str, str]]:
    if len(expression) > _LONGEST:
        raise invalid_request(f"The expression is longer than {_LONGEST} characters")
    tokens: list[tuple[str, str]] = []
    place = 0
    end = len(expression.rstrip())
    while place < end:
        match = _TOKEN.match(expression, place)
        if match is None:
            raise _invalid(expression, f"it cannot be read from character {place + 1}")
        kind = match.lastgroup or ""
        tokens.append((kind, match[kind]))
        place = match.end()
    return tokens


def _annotation_key(word: str) -> str | None:
    """The key in ``annotation.key`` or ``annotation[key]``; None for other words."""
    head = word[: len("annotation.")].lower()
    if head == "annotation.":
        return word[len(head) :]
    return word[len(head) : -1] if head == "annotation[" else None


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1])


def _invalid(expression: str, why: str) -> Exception:
    return invalid_request(f"Invalid filter expression: {why}: {expression}")
