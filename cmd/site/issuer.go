package site

import (
	"encoding/base64"
	"net/http"
	"path/filepath"
	"strings"

	"headcount/cmd/config"
	"headcount/rating"
)

// Issuer is who sends the invoices, as the configuration has it, its logo read.
func Issuer(c *config.Config) (*rating.Issuer, error) {
	b := &c.Issuer
	i := &rating.Issuer{
		Name: b.Name, Address: b.Address, TaxID: b.TaxID, Terms: b.Terms,
		Invoice: rating.Pattern(b.InvoiceNumbers), Credit: rating.Pattern(b.CreditNumbers),
	}
	if b.Logo != "" {
		image, err := config.ReadFile(b.Logo)
		if err != nil {
			return nil, &config.Error{Where: c.File, What: "issuer.logo: " + err.Error()}
		}
		kind := http.DetectContentType(image)
		if strings.EqualFold(filepath.Ext(b.Logo), ".svg") {
			kind = "image/svg+xml"
		}
		i.Logo = "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(image)
	}
	if err := i.Check(); err != nil {
		return nil, &config.Error{Where: c.File, What: "issuer: " + err.Error()}
	}
	return i, nil
}
