{{/* Names are the same in every installation: commands and Envoys look for them. One installation to a namespace. */}}

{{- define "detour.labels" -}}
app.kubernetes.io/name: detour
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
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
