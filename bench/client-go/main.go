// What a Go controller's memory and start cost: client-go's shared informers for what Detour watches.
//
// Prints one line of JSON once all three have synced, and stays until its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// The label that preview pods have, and the one of slices that belong to a Service.
const (
	previewLabel = "detour.dev/preview"
	serviceLabel = "kubernetes.io/service-name"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	selecting := func(label string) informers.SharedInformerFactory {
		return informers.NewSharedInformerFactoryWithOptions(client, 0,
			informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = label }))
	}
	all, slices, previews := selecting(""), selecting(serviceLabel), selecting(previewLabel)
	services := all.Core().V1().Services().Informer()
	endpoints := slices.Discovery().V1().EndpointSlices().Informer()
	pods := previews.Core().V1().Pods().Informer()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, factory := range []informers.SharedInformerFactory{all, slices, previews} {
		factory.Start(ctx.Done())
	}
	for _, factory := range []informers.SharedInformerFactory{all, slices, previews} {
		factory.WaitForCacheSync(ctx.Done())
	}
	report := map[string]int{
		"services": len(services.GetStore().ListKeys()),
		"slices":   len(endpoints.GetStore().ListKeys()),
		"pods":     len(pods.GetStore().ListKeys()),
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
