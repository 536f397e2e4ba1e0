"""Chat templates made for the tests: what templates of published models do, one thing each, in a few words of ours."""

_EACH = "{% for message in messages %}"
_END = "{% endfor %}"
_PLAIN = "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
_ANSWER = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"

TEMPLATES = {
    "plain": _EACH + _PLAIN + _END + _ANSWER,
    "own words first": "<|im_start|>system\nBe kind.<|im_end|>\n" + _EACH + _PLAIN + _END + _ANSWER,
    "trims": _EACH + "[{{ message.role }}] {{ message.content | trim }}\n" + _END,
    "leaves the system out": _EACH + "{% if message.role != 'system' %}" + _PLAIN + "{% endif %}" + _END + _ANSWER,
    "last system first": "{{ messages | selectattr('role', 'equalto', 'system') | map(attribute='content') | join }}"
    + _EACH
    + "{% if message.role != 'system' %}\n{{ message.role }}: {{ message.content }}{% endif %}"
    + _END,
    "tools": "{% if tools %}Tools: {{ tools | tojson }}\n{% endif %}"
    + _EACH
    + "{{ message.role }}: {{ message.content or '' }}{% for call in message.tool_calls or [] %}"
    + "<call>{{ call.function | tojson }}</call>{% endfor %}\n"
    + _END,
    "cuts thoughts": _EACH + "{{ message.role }}: {{ message.content.split('</think>')[-1] }}\n" + _END,
    "shouts": _EACH + "{{ message.content | upper }}\n" + _END,
    "looks at the first letter": _EACH
    + "{% if message.content[0] == 'H' %}Greeting: {% endif %}{{ message.content }}\n"
    + _END,
    "says it twice": _EACH + "{{ message.content }} ({{ message.content }})\n" + _END,
    "generation blocks": _EACH
    + "{% if message.role == 'assistant' %}{% generation %}"
    + _PLAIN
    + "{% endgeneration %}{% else %}"
    + _PLAIN
    + "{% endif %}"
    + _END,
}
# What each says of a chat that it does not take.
RAISES = {
    "{% if messages[0].role == 'system' %}{{ raise_exception('No system prompts here!') }}{% endif %}": (
        "does not take this chat. It says: “No system prompts here!”"
    ),
    "{{ messages[0].nothing.more }}": "does not take this chat",
    "{% for message in messages %}": "no template that can be read",
    "{{ ''.__class__.__mro__ }}": "may not have, and was stopped",
    "{{ messages.append(1) }}": "may not have, and was stopped",
    "{{ range(10 ** 9) | list }}": "may not have, and was stopped",
    "{{ joiner.__init__.__globals__ }}": "may not have, and was stopped",
}
LOOPS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
