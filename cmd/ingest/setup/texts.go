package setup

const configText = `# Headcount. Fields left out have the values shown; relative paths are relative to this file.
# The books open with billing.from: what is older is counted as before the books, and never billed.
billing: {time_zone: UTC, grace: 24h, from: %s}
kafka:
  brokers: [127.0.0.1:9092]
  topic: sdk-events
  # A broker of our own, to begin with. For Apache Kafka: delete this line and name its brokers above.
  embedded: {data_dir: data/kafka, partitions: 4}
ingest: {checkpoint_interval: 10s}
state: file://data/state
ledger: sqlite://data/ledger.db
guid_key_file: data/guid.key
seal_key_file: data/seal.key
seal_public_key_file: data/seal.pub
catalog: ""
accounts: accounts.yaml
`

const accountsText = `# Who is billed for which apps, on which plan, since when. An example of one account:
#
# accounts:
#   - id: acme
#     apps: [app-001, app-002]
#     plan: tcmpp/pro
#     from: 2026-01-01                       # day of purchase
#     overrides: {mau.unit_price: "0.012"}   # a contract beats the price book
accounts: []
`
