package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// gpus offers healthy devices that are not there, by the kubelet's own protocol.
type gpus struct {
	api.UnimplementedDevicePluginServer
	count int
}

func (g *gpus) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

func (g *gpus) ListAndWatch(_ *api.Empty, stream grpc.ServerStreamingServer[api.ListAndWatchResponse]) error {
	devices := []*api.Device{}
	for i := range g.count {
		devices = append(devices, &api.Device{ID: fmt.Sprintf("GPU-%d", i), Health: api.Healthy})
	}
	if err := stream.Send(&api.ListAndWatchResponse{Devices: devices}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func (g *gpus) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		response.ContainerResponses = append(response.ContainerResponses, &api.ContainerAllocateResponse{
			Envs: map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(container.DevicesIds, ",")},
		})
	}
	return response, nil
}

// device-plugin FOLDER RESOURCE COUNT: registers with the kubelet whose plugin folder it is, and again whenever the
// kubelet has emptied the folder, as it does at each of its starts.
func devicePlugin(args []string) error {
	folder, resource := args[0], args[1]
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	socket := filepath.Join(folder, "gpu.sock")
	kubeletSocket := filepath.Join(folder, "kubelet.sock")
	for ; ; time.Sleep(100 * time.Millisecond) {
		if _, err := os.Stat(kubeletSocket); err != nil {
			continue // no kubelet serves yet
		}
		if err := serve(socket, kubeletSocket, resource, count); err != nil {
			fmt.Println(err)
		}
	}
}

// serve returns once it is not registered, or no longer.
func serve(socket, kubeletSocket, resource string, count int) error {
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	defer server.Stop()
	api.RegisterDevicePluginServer(server, &gpus{count: count})
	go func() { _ = server.Serve(listener) }()
	connection, err := grpc.NewClient("unix:"+kubeletSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request := &api.RegisterRequest{Version: api.Version, Endpoint: filepath.Base(socket), ResourceName: resource}
	if _, err := api.NewRegistrationClient(connection).Register(ctx, request); err != nil {
		return err
	}
	fmt.Println("registered", resource, count)
	for {
		if _, err := os.Stat(socket); err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}
