{{- define "headcount.name" -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- end }}

{{- define "headcount.labels" -}}
app.kubernetes.io/name: headcount
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "headcount.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "headcount.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "headcount.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* What the chart sets in headcount.yaml; the values' config goes before. */}}
{{- define "headcount.config" -}}
{{- $fixed := dict "guid_key_file" "/etc/headcount/keys/guid.key" "seal_public_key_file" "/etc/headcount/keys/seal.pub" "seal_key_file" "/etc/headcount/seal/seal.key" "accounts" "/etc/headcount/accounts/accounts.yaml" }}
{{- if .Values.catalog }}{{ $_ := set $fixed "catalog" "/etc/headcount/catalog" }}{{ end }}
{{- if .Values.secrets.ledgerPassword }}{{ $_ := set $fixed "ledger_password_file" "/etc/headcount/ledger/password" }}{{ end }}
{{- if .Values.secrets.kafkaPassword }}{{ $_ := set $fixed "kafka" (dict "sasl" (dict "password_file" "/etc/headcount/kafka/password")) }}{{ end }}
{{- mustMergeOverwrite $fixed (deepCopy .Values.config) | toYaml }}
{{- end }}

{{- define "headcount.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "headcount.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Secrets are mounted with mode 0440: root's, and readable by fsGroup, of which this pod's user is the only member. */}}
{{- define "headcount.mounts" -}}
- {name: config, mountPath: /etc/headcount/headcount.yaml, subPath: headcount.yaml, readOnly: true}
- {name: config, mountPath: /etc/headcount/accounts, readOnly: true}
- {name: keys, mountPath: /etc/headcount/keys, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- if .Values.catalog }}
- {name: catalog, mountPath: /etc/headcount/catalog, readOnly: true}
{{- end }}
{{- if .Values.secrets.kafkaPassword }}
- {name: kafka, mountPath: /etc/headcount/kafka, readOnly: true}
{{- end }}
{{- if .Values.secrets.ca }}
- {name: ca, mountPath: /etc/headcount/ca, readOnly: true}
{{- end }}
{{- if .Values.stateVolume.claim }}
- {name: state, mountPath: /var/lib/headcount}
{{- end }}
{{- end }}

{{- define "headcount.volumes" -}}
- name: config
  configMap: {name: {{ include "headcount.name" . }}}
- name: keys
  secret: {secretName: {{ .Values.secrets.keys }}, defaultMode: 0440}
- name: tmp
  emptyDir: {}
{{- if .Values.catalog }}
- name: catalog
  configMap: {name: {{ include "headcount.name" . }}-catalog}
{{- end }}
{{- with .Values.secrets.kafkaPassword }}
- name: kafka
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- with .Values.secrets.ca }}
- name: ca
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- with .Values.stateVolume.claim }}
- name: state
  persistentVolumeClaim: {claimName: {{ . }}}
{{- end }}
{{- end }}
