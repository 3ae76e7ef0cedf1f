{{/* Names are the same in every installation: commands and Envoys look for them. One installation to a namespace. */}}

{{- define "detour.labels" -}}
app.kubernetes.io/name: detour
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* Where pods are asked: every address of the family that comes first, with its brackets. */}}
{{- define "detour.anyAddress" -}}
{{- eq (first .Values.sidecars.ipFamilies) "IPv6" | ternary "[::]" "0.0.0.0" }}
{{- end }}

{{- define "detour.controlPlane.selector" -}}
app.kubernetes.io/name: detour
app.kubernetes.io/component: control-plane
{{- end }}

{{- define "detour.gateway.selector" -}}
app.kubernetes.io/name: detour
app.kubernetes.io/component: gateway
{{- end }}

{{- define "detour.image" -}}
{{- $tag := .image.tag | default .fallback -}}
{{ .image.repository }}{{ if .image.digest }}@{{ .image.digest }}{{ else }}:{{ $tag }}{{ end }}
{{- end }}

{{/* Of cluster-wide objects: several installations stand beside each other. */}}
{{- define "detour.clusterName" -}}
detour:{{ .Release.Namespace }}
{{- end }}

{{- define "detour.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "detour.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Replicas on different nodes and zones, where there are several. */}}
{{- define "detour.spread" -}}
{{- $selector := .selector }}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- $selector | nindent 6 }}
{{- end }}
{{- end }}

{{/* The rights that the control plane needs wherever it looks: what it reads, and what it says there. */}}
{{- define "detour.rules" -}}
- apiGroups: [""]
  resources: [services, pods]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
# Events are about workloads, and name them by uid.
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets, replicasets]
  verbs: [get]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [get, list, create, update]
{{- if .Values.deleteExpired }}
# Previews that `detour create --ttl` made, once they have expired.
- apiGroups: [apps]
  resources: [deployments, statefulsets, replicasets]
  verbs: [list, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [delete]
{{- end }}
{{- end }}

{{/* As --sidecar-resources takes them. */}}
{{- define "detour.sidecarResources" -}}
{{- $entries := list }}
{{- range $kind := list "requests" "limits" }}
{{- range $name, $quantity := index $.Values.sidecars.resources $kind }}
{{- $entries = append $entries (printf "%s.%s=%v" $kind $name $quantity) }}
{{- end }}
{{- end }}
{{- join "," $entries }}
{{- end }}

{{/* Namespaces whose pods may be changed and checked: not those that the cluster and Detour need to start. */}}
{{- define "detour.webhookNamespaces" -}}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: [kube-system, kube-public, kube-node-lease, {{ .Release.Namespace }}]
{{- with .Values.watchNamespaces }}
- key: kubernetes.io/metadata.name
  operator: In
  values: {{ toJson . }}
{{- end }}
{{- end }}

{{/* For commands, where they would look elsewhere. */}}
{{- define "detour.systemFlag" -}}
{{- if ne .Release.Namespace "detour-system" }} --system-namespace {{ .Release.Namespace }}{{ end -}}
{{- end }}

{{/* Not empty: Envoys are served with TLS. */}}
{{- define "detour.tls" -}}
{{- if not .Values.plaintext }}on{{ end -}}
{{- end }}

{{/* Not empty: Envoys show tokens. Whose a token is the API server tells only who has a right of the whole cluster. */}}
{{- define "detour.tokens" -}}
{{- $tokens := .Values.tls.tokens -}}
{{- if and (include "detour.tls" .) (or (eq $tokens "on") (and (eq $tokens "auto") (not .Values.watchNamespaces))) }}on{{ end -}}
{{- end }}

{{- define "detour.tlsSecret" -}}
{{- .Values.tls.secretName | default "detour-tls" -}}
{{- end }}

{{/* What contradicts itself, or would let nobody in. */}}
{{- define "detour.tlsCheck" -}}
{{- $own := or .Values.tls.secretName .Values.tls.clientCaSecret .Values.tls.certManager -}}
{{- if and .Values.plaintext $own }}
{{- fail "plaintext contradicts the values of tls: leave one of them out" }}
{{- end }}
{{- if and (not .Values.plaintext) (not (include "detour.tokens" .)) }}
{{- if not .Values.tls.clientCaSecret }}
{{- fail "nobody could say who it is: with watchNamespaces give tls.clientCaSecret, or tls.tokens=on, which needs a ClusterRole, or, if whoever reaches it may have everything, plaintext=true" }}
{{- end }}
{{- if and .Values.gateway.enabled (not .Values.gateway.certificateSecret) }}
{{- fail "the gateway could not say who it is: without tokens give gateway.certificateSecret, or gateway.enabled=false" }}
{{- end }}
{{- end }}
{{- end }}

{{/* A gateway that nobody could reach. */}}
{{- define "detour.gatewayCheck" -}}
{{- if and .Values.gateway.enabled (eq .Values.gateway.http "none") (not .Values.gateway.tls) }}
{{- fail "the gateway would listen nowhere: with gateway.http=none give gateway.tls" }}
{{- end }}
{{- end }}
