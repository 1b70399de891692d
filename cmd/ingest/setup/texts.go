package setup

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
