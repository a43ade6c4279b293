"""Teachers that a TOML file describes: servers with keys, weights and bounds, mixtures, routes.

Why: a name on the command line holds one model at one server. Several servers or keys, Azure's
addresses, bounds, prices and who answers what are written down once and shared.

    [teachers.small]
    model = "gpt-5-mini"                      # decides the replies, and is sent
    extra = { reasoning_effort = "low" }      # fields added to each call; decides them too
    ceiling = 512                             # bounds, tries, time-outs: may change at any time

    [[teachers.small.endpoints]]
    url = "https://api.openai.com/v1"
    key_env = "OPENAI_API_KEY"                # the variable that holds the key, never the key
    weight = 3

    [[teachers.small.endpoints]]
    url = "https://me.openai.azure.com/openai/deployments/mini"
    query = { api-version = "2024-10-21" }
    key_env = "AZURE_KEY"

    [teachers.both]
    mix = { small = 0.7, "openai:gpt-5" = 0.3 }

    [teachers.careful]
    fallback = ["small", "openai:gpt-5"]

    [teachers.by_method]
    routes = { "metamath.*" = "small", solve = "careful", "*" = "both" }

A member is another table of the file or any teacher's name. One endpoint may stand in the
teacher's table itself. `identity` names a model that has another's name (a server of one's own).

Used as: `config:teachers.toml#both`; without `#NAME` where the file has one teacher only.
"""

from mathmill.teachers.config.tables import named_in

__all__ = ["named_in"]
