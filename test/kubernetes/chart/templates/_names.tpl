{{- define "prefix" -}}
{{- .Release.Name | trunc 13 | trimSuffix "-" -}}
{{- end -}}

{{/* A secret's data: every value is there, for a missing one falls back to what the real chart gives. */}}
{{- define "secret" -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .name }}
  # as in the real chart: it outlives `helm uninstall`
  annotations:
    helm.sh/resource-policy: keep
type: Opaque
data:
{{- range $key, $value := .data }}
  {{ $key }}: {{ $value | toString | b64enc | quote }}
{{- end }}
{{- end -}}
