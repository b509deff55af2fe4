{{/* The beginning of every name. At most 40 characters, so that what is put behind it fits in 63. */}}
{{- define "skynet.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "skynet.name" -}}
{{- printf "%s-%s" (include "skynet.fullname" .root) .component -}}
{{- end -}}

{{/* What selects the pods of a component; never changes, since selectors may not. */}}
{{- define "skynet.selector" -}}
app.kubernetes.io/name: skynet
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "skynet.labels" -}}
{{ include "skynet.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "skynet.image" -}}
{{- with .Values.image -}}
{{- if and (eq .tag "latest") (not .digest) -}}
{{- fail "image.tag: latest may be another program tomorrow; name a version or give image.digest" -}}
{{- end -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* A hook runs before the release's own account is there, and takes the namespace's. */}}
{{- define "skynet.serviceAccount" -}}
{{- $account := .root.Values.serviceAccount -}}
{{- if not $account.create -}}
{{- default "default" $account.name -}}
{{- else if eq .kind "Job" -}}
default
{{- else -}}
{{- default (include "skynet.fullname" .root) $account.name -}}
{{- end -}}
{{- end -}}

{{/* Settings that are secrets, by their names: none may stand in values. */}}
{{- define "skynet.secretNames" -}}
^DATABASE_URL$|(_TOKEN|_TOKEN_PREVIOUS|_API_KEYS?|_SECRETS_KEY|_PASSWORD|_PRIVATE_KEY_B64|_OTLP_HEADERS)$
{{- end -}}

{{/*
The environment of a container: `fields` (name → path of the pod), `own` (name → text), `secrets` (name → {secret, key,
optional}), then what the values add for all programs and for this one. Values may not repeat what the chart sets.
*/}}
{{- define "skynet.env" -}}
{{- $added := merge (dict) (.values.env | default dict) .root.Values.env -}}
{{- range $name, $_ := $added -}}
{{- if regexMatch (include "skynet.secretNames" $) $name -}}
{{- fail (printf "env: %s of %s is a secret; take it from one by secretEnv" $name $.component) -}}
{{- end -}}
{{- end -}}
{{- $secret := merge (dict) (.values.secretEnv | default dict) .root.Values.secretEnv -}}
{{- $chart := merge (dict) (.fields | default dict) .own .secrets -}}
{{- range $name, $_ := merge (dict) $added $secret -}}
{{- if hasKey $chart $name -}}
{{- fail (printf "env: %s of %s is set by the chart; see deploy/README.md for the value that it comes from" $name $.component) -}}
{{- end -}}
{{- if and (hasKey $added $name) (hasKey $secret $name) -}}
{{- fail (printf "env: %s of %s is given both in env and in secretEnv" $name $.component) -}}
{{- end -}}
{{- end -}}
{{- range $name, $path := .fields }}
- name: {{ $name }}
  valueFrom:
    fieldRef:
      fieldPath: {{ $path }}
{{- end }}
{{- range $name, $value := .own }}
- name: {{ $name }}
  value: {{ ternary ($value | int64 | toString) ($value | toString) (kindIs "float64" $value) | quote }}
{{- end }}
{{- range $name, $value := $added }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $ref := merge (dict) .secrets $secret }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $ref.secret }}
      key: {{ $ref.key }}
      {{- if $ref.optional }}
      optional: true
      {{- end }}
{{- end }}
{{- end -}}

{{/* What every pod has in common: `.values` are those of the component. */}}
{{- define "skynet.podSpec" -}}
serviceAccountName: {{ include "skynet.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .values.topologySpread }}
{{- if .enabled }}
topologySpreadConstraints:
  {{- $selector := include "skynet.selector" (dict "root" $.root "component" $.component) }}
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $.values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
    {{- if ne $.kind "StatefulSet" }}
    matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* What every container has in common. */}}
{{- define "skynet.container" -}}
image: {{ include "skynet.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
resources:
  {{- toYaml .values.resources | nindent 2 }}
{{- end -}}

{{/* The authority that vouches for the database's certificate, as a file that DATABASE_URL can name. */}}
{{- define "skynet.databaseCa.volume" -}}
{{- with .Values.database.caSecret -}}
- name: database-ca
  secret:
    secretName: {{ . }}
    items:
      - key: ca.crt
        path: ca.crt
{{- end -}}
{{- end -}}

{{- define "skynet.databaseCa.mount" -}}
{{- if .Values.database.caSecret -}}
- name: database-ca
  mountPath: /etc/skynet/database
  readOnly: true
{{- end -}}
{{- end -}}

{{/* A pause, in which proxies learn that the pod takes nothing new, before SIGTERM; the program then has 20 s. */}}
{{- define "skynet.preStop" -}}
lifecycle:
  preStop:
    sleep:
      seconds: 5
{{- end -}}

{{- define "skynet.podMetadata" -}}
labels:
  {{- include "skynet.labels" . | nindent 2 }}
{{- with .values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "skynet.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "skynet.name" . }}
  labels:
    {{- include "skynet.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .values.podDisruptionBudget.maxUnavailable }}
  # A pod that is not ready serves nobody, and must not stop a node from being drained.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "skynet.selector" . | nindent 6 }}
{{- end -}}

{{/* Names of a key of keys.existingSecret: dict "root" "name" "optional" */}}
{{- define "skynet.key" -}}
{{- dict "secret" .root.Values.keys.existingSecret "key" .name "optional" (.optional | default false) | toJson -}}
{{- end -}}
