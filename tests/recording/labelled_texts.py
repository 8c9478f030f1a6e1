"""Texts with a secret and texts without one. The secrets are drawn at run time and open nothing."""

from __future__ import annotations

import string
from base64 import b64encode, urlsafe_b64encode
from random import Random

draw = Random(4)
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def some(count: int, alphabet: str = ALNUM) -> str:
    """So many characters, of which the first are a letter and a digit."""
    head = next(letter for letter in alphabet if letter.isalpha()) + draw.choice([c for c in alphabet if c.isdigit()])
    return head + "".join(draw.choices(alphabet, k=count - 2))


def join(*parts: str) -> str:
    """In parts, so that no scanner takes this file for a leak."""
    return "".join(parts)


B64 = ALNUM + "+/"
URL = ALNUM + "-_"
ALPHA32 = string.ascii_uppercase + "234567"
password = "Tr0ub4dor&3x"
word = "correcthorse"
hidden_key = "\n".join(["".join(draw.choices(B64, k=64)) for _ in range(6)] + ["".join(draw.choices(B64, k=20)) + "=="])


def pem(kind: str) -> str:
    return join("-----BEGIN ", kind, "PRIVATE", " KEY-----\n", hidden_key, "\n-----END ", kind, "PRIVATE", " KEY-----")


def jwt() -> str:
    return ".".join(
        urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"1234567890","name":"J"}', draw.randbytes(32))
    )


KEYS = [
    join("sk", "-proj-", some(48, URL)),
    join("sk", "-", some(48)),
    join("sk", "-svcacct-", some(60, URL)),
    join("sk", "-ant-", "api03-", some(90, URL)),
    join("sk", "-or-v1-", some(64, HEX)),
    join("AK", "IA", some(16, ALPHA32)),
    join("AS", "IA", some(16, ALPHA32)),
    join("AI", "za", some(35, URL)),
    join("GOC", "SPX-", some(28, URL)),
    join("gh", "p_", some(36)),
    join("gh", "o_", some(36)),
    join("gh", "s_", some(36)),
    join("github", "_pat_", some(22), "_", some(59)),
    join("gl", "pat-", some(20, URL)),
    join("xo", "xb-", some(12, string.digits + "a"), "-", some(24)),
    join("xo", "xp-", some(40)),
    join("sk", "_live_", some(24)),
    join("rk", "_live_", some(24)),
    join("wh", "sec_", some(32)),
    join("h", "f_", some(34)),
    join("ls", "v2_pt_", some(32, HEX), "_", some(10, HEX)),
    join("np", "m_", some(36)),
    join("py", "pi-", "AgEIcHlwaS5vcmc", some(60, URL)),
    join("S", "G.", some(22, URL), ".", some(43, URL)),
    join("da", "pi", some(32, HEX)),
    join("do", "p_v1_", some(64, HEX)),
    join("hv", "s.", some(24, URL)),
    join("gs", "k_", some(52)),
    join("pp", "lx-", some(48)),
    join("r", "8_", some(37)),
    join("AGE-", "SECRET-KEY-1", some(58, ALPHA32)),
    join("123456789", ":AA", some(33, URL)),
    join("ab3", "8Q~", some(34, URL)),
    jwt(),
]
"""Known by their shape, wherever they stand."""

b64_key = some(86, B64) + "=="
hex32 = some(32, HEX)
aws = some(40, B64)
token = some(24)
login = b64encode(b"alice:" + password.encode()).decode()

IN_CONTEXT = [
    ("{}", pem("")),
    ("Here it is:\n{}\nkeep it safe", pem("RSA ")),
    ("{}", pem("OPENSSH ")),
    ("{}", pem("ENCRYPTED ")),
    ("cut off:\n{}", pem("EC ").rsplit("-----END", 1)[0].rstrip()),
    ("in code: {}", pem("").replace("\n", "\\n")),
    ("postgresql://app:{}@db.internal:5432/shop", password),
    ("mongodb+srv://app:{}@cluster0.mongodb.net/?retryWrites=true", "p@ssw0rd!x"),
    ("redis://:{}@cache:6379/0", word),
    ("amqps://user:{}@mq.internal//", password),
    ("mysql+pymysql://root:{}@127.0.0.1/app", word),
    ("git clone https://bob:{}@example.com/repo.git", word),
    ("curl -H 'Authorization: Bearer {}' https://api.example.com", token),
    ("Authorization: Basic {}", login),
    ('{{"Authorization": "Basic {}"}}', login),
    ("authorization: token {}", some(40, HEX)),
    ("the header was Bearer {}", token),
    ("export AWS_SECRET_ACCESS_KEY={}", aws),
    ("aws configure set aws_secret_access_key {}", aws),
    ("aws_session_token = {}", some(200, B64)),
    ("DefaultEndpointsProtocol=https;AccountName=x;AccountKey={};EndpointSuffix=core.windows.net", b64_key),
    ("Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey={}", some(43, B64) + "="),
    ("api-key: {}", hex32),
    ("Ocp-Apim-Subscription-Key: {}", hex32),
    ('{{"password": "{}"}}', word),
    ('{{"client_secret": "{}", "id": 3}}', token),
    ("DB_PASSWORD={}", word),
    ("DB_PASSWORD='{}'", "correct horse battery staple"),
    ("password: {}", password),
    ("spring.datasource.password={}", password),
    ("mycli --user x --password {} --host y", password),
    ("mycli --api-key={}", token),
    ("mycli --token {}", token),
    ('client = OpenAI(api_key="{}")', token),
    ('os.environ["SERVICE_TOKEN"] = "{}"', token),
    ("my password is {}, please log me in", "hunter22"),
    ("https://api.example.com/v1?api_key={}&q=cats", token),
    ("https://maps.example.com/api?size=3&key={}", token),
    ("https://x.blob.core.windows.net/c/b?sv=2022-11-02&sig={}", some(43).replace("+", "") + "%3D"),
    ("https://b.s3.amazonaws.com/o?X-Amz-Expires=60&X-Amz-Signature={}", some(64, HEX)),
    ("Server=db;User Id=sa;Password={};", password.replace("&", "")),
    ("machine api.example.com login bob password {}", password),
    ("curl -u bob:{} https://example.com", password),
    ("sshpass -p '{}' ssh host", password),
    ("TWILIO_AUTH = {}", hex32),
    ('twilio = Client("AC0", "{}")', hex32),
    ("hook: https://hooks.slack.com/services/{}", join("T0ABC1234", "/B0ABC1234/", some(24))),
    ('args: {{\\"password\\": \\"{}\\"}}', word),
    ("access_token={}&token_type=bearer", token),
    ("refresh_token: '{}'", token),
    ("secret_key_base: {}", some(64, HEX)),
]
"""Known by what stands around them: the text, and what must go."""

POSITIVES = [("the key is {} ok", key) for key in KEYS] + IN_CONTEXT

NEGATIVES = """\
sk-...
sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx
Set OPENAI_API_KEY=sk-your-key-here first
OPENAI_API_KEY="<API_KEY>"
api_key = "your-api-key"
api_key=os.environ["OPENAI_API_KEY"]
api_key: ${OPENAI_API_KEY}
api_key = os.getenv("API_KEY", "")
api_key=settings.api_key
api_key=api_key
"api_key": "YOUR_API_KEY"
password: required
password: string
password = getpass.getpass()
password=password
password: Optional[str] = None
password = request.form["password"]
login(user, password=user.password)
{"password": "********"}
{"password": ""}
{"password": null}
{"password": "<password>"}
{"type": "object", "properties": {"password": {"type": "string", "description": "The password of the user"}}}
{"required": ["username", "password"]}
Forgot your password? Click here to reset it.
Enter your password: 
Your password must be at least 8 characters long and hold a digit.
the password is wrong
The password is required for login.
the secret: never give up
The secret ingredient: butter
The secret to success is simple: work
secret santa = 12 people
token count = 128
max_tokens: 4096
max_tokens=2048, temperature=0.7
total_tokens: 12345678
{"usage": {"prompt_tokens": 1234567, "completion_tokens": 89}}
{"token": " the", "logprob": -0.31}
{"token": "tokenizer12", "logprob": -0.31}
next_token = tokens[i + 1]
token = tokenizer.decode(ids)
token: str
tokens: list[int] = []
tokenizer = AutoTokenizer.from_pretrained("gpt2")
pip install scikit-learn  # imported as sk-learn
sk-learn-contrib-something-longer-than-that
div.sk-toggleable__content and #sk-container-id-1
The task-force met the risk-averse desk-bound clerks
desk-12345678901234567890123
press any key: continue
the key: value pairs of the dictionary
primary_key=True, foreign_key="users.id"
key = sorted(items, key=lambda item: item[1])
{"key": "value", "name": "thing"}
public key infrastructure is about public keys
keyboard = mechanical87
monkey=abcdefgh12
-----BEGIN PUBLIC KEY-----
look for "-----BEGIN RSA PRIVATE KEY-----" in the file
-----BEGIN PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
postgresql://user:password@localhost/db
postgresql://user:pass@host/db
postgresql://localhost:5432/shop
postgresql://${DB_USER}:${DB_PASSWORD}@${DB_HOST}/db
mongodb://<username>:<password>@host
https://example.com:8080/path@2x.png
https://github.com/owner/repo/blob/main/file.py#L10
see http://host:80/ or write to bob@example.com
Authorization: Bearer <token>
Authorization: Bearer $TOKEN
Authorization: Bearer {token}
Authorization: Bearer YOUR_TOKEN
headers = {"Authorization": f"Bearer {token}"}
the bearer of this letter is my friend
bearer authentication is used
authorization: required
basic understanding of algebra
basic authentication
Basic realm="Restricted"
docker run -u 1000:1000 --user node:node image
git commit -m "rotate tokens" --author "Bob"
call_9a8b7c6d5e4f3a2b1c0d9e8f
toolu_01A09q90qw90lq917835lq9
3f2504e0-4f89-41d3-9a0c-0305e82c3301
d41d8cd98f00b204e9800998ecf8427e
2fd4e1c67a2d28fced849ee1bb76e7391b93eb12
https://example.com/search?q=token&page=2&sort=key
https://example.com/?key=short
AKIAIOSFODNN7EXAMPLE
AWS_ACCESS_KEY_ID=<your access key>
hf_hub_download(repo_id, filename)
npm_config_loglevel=silent
github_pat_ is the prefix of fine-grained tokens
the ghp_ prefix
eyJ is how a JWT begins
version_key: v1.2.3
password_reset_url: https://example.com/reset/12345
secret_name: my-database-secret
token_type: bearer
credentials: include
login and password fields
PASSWORD_MIN_LENGTH=12
passwords = ["a", "b"]
<API_KEY_1> and <PASSWORD_2>
password=<PASSWORD_1>
https://bob:<PASSWORD_1>@example.com
Janet's ducks lay 16 eggs per day. How much does she make at $2 per egg?""".splitlines()
"""Nothing of these may go."""
