package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

type certificateRequest struct {
	Name         string   `json:"name"` // of the files, NAME.crt and NAME.key
	Authority    string   `json:"authority"`
	CommonName   string   `json:"commonName"`
	Organization string   `json:"organization"`
	Usage        string   `json:"usage"` // "authority", "signing-key", "client" or "server"
	Hosts        []string `json:"hosts"`
}

// certificates FOLDER REQUESTS-AS-JSON: makes them in order; an authority's certificate may stand before what it signs.
func certificates(args []string) error {
	var requests []certificateRequest
	if err := json.Unmarshal([]byte(args[1]), &requests); err != nil {
		return err
	}
	for _, request := range requests {
		if err := certify(args[0], request); err != nil {
			return fmt.Errorf("%s: %w", request.Name, err)
		}
	}
	return nil
}

func certify(folder string, request certificateRequest) error {
	file := filepath.Join(folder, request.Name)
	if request.Usage == "signing-key" {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return err
		}
		public, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return err
		}
		if err := writePem(file+".pub", "PUBLIC KEY", public); err != nil {
			return err
		}
		return writePem(file+".key", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: request.CommonName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	if request.Organization != "" {
		template.Subject.Organization = []string{request.Organization}
	}
	for _, host := range request.Hosts {
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	parent, signer := template, crypto.Signer(key)
	switch request.Usage {
	case "authority":
		template.IsCA, template.KeyUsage = true, x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	case "client":
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case "server":
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	default:
		return fmt.Errorf("no usage is called %q", request.Usage)
	}
	if request.Usage != "authority" {
		if parent, signer, err = readAuthority(filepath.Join(folder, request.Authority)); err != nil {
			return err
		}
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePem(file+".key", "PRIVATE KEY", private); err != nil {
		return err
	}
	return writePem(file+".crt", "CERTIFICATE", certificate)
}

func readAuthority(file string) (*x509.Certificate, crypto.Signer, error) {
	certificatePem, err := os.ReadFile(file + ".crt")
	if err != nil {
		return nil, nil, err
	}
	keyPem, err := os.ReadFile(file + ".key")
	if err != nil {
		return nil, nil, err
	}
	certificateBlock, _ := pem.Decode(certificatePem)
	keyBlock, _ := pem.Decode(keyPem)
	certificate, err := x509.ParseCertificate(certificateBlock.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("%s.key cannot sign", file)
	}
	return certificate, signer, nil
}

func writePem(file, kind string, bytes []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600)
}
