package dev.openlora.settlement.chain.contract;

import io.reactivex.Flowable;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import javax.annotation.processing.Generated;
import org.web3j.abi.EventEncoder;
import org.web3j.abi.FunctionEncoder;
import org.web3j.abi.TypeReference;
import org.web3j.abi.datatypes.Address;
import org.web3j.abi.datatypes.Bool;
import org.web3j.abi.datatypes.CustomError;
import org.web3j.abi.datatypes.Event;
import org.web3j.abi.datatypes.Function;
import org.web3j.abi.datatypes.StaticStruct;
import org.web3j.abi.datatypes.Type;
import org.web3j.abi.datatypes.generated.Bytes32;
import org.web3j.abi.datatypes.generated.Uint16;
import org.web3j.abi.datatypes.generated.Uint256;
import org.web3j.abi.datatypes.generated.Uint64;
import org.web3j.abi.datatypes.generated.Uint96;
import org.web3j.crypto.Credentials;
import org.web3j.protocol.Web3j;
import org.web3j.protocol.core.DefaultBlockParameter;
import org.web3j.protocol.core.RemoteCall;
import org.web3j.protocol.core.RemoteFunctionCall;
import org.web3j.protocol.core.methods.request.EthFilter;
import org.web3j.protocol.core.methods.response.BaseEventResponse;
import org.web3j.protocol.core.methods.response.Log;
import org.web3j.protocol.core.methods.response.TransactionReceipt;
import org.web3j.tuples.generated.Tuple2;
import org.web3j.tx.Contract;
import org.web3j.tx.TransactionManager;
import org.web3j.tx.gas.ContractGasProvider;

/**
 * <p>Auto generated code.
 * <p><strong>Do not modify!</strong>
 * <p>Please use the <a href="https://docs.web3j.io/command_line.html">web3j command line tools</a>,
 * or the org.web3j.codegen.SolidityFunctionWrapperGenerator in the 
 * <a href="https://github.com/LFDT-web3j/web3j/tree/main/codegen">codegen module</a> to update.
 *
 * <p>Generated with web3j version 5.0.2.
 */
@SuppressWarnings("rawtypes")
@Generated("org.web3j.codegen.SolidityFunctionWrapperGenerator")
public class Prices extends Contract {
    public static final String BINARY = "60a034606d57601f61075538819003918201601f19168301916001600160401b03831184841017607157808492602094604052833981010312606d57516001600160a01b0381168103606d576080526040516106cf9081610086823960805181818161014301526103920152f35b5f80fd5b634e487b7160e01b5f52604160045260245ffdfe6080806040526004361015610012575f80fd5b5f3560e01c90816306661abd146103eb575080631dd5fd99146103c1578063511606301461037d5780636b243ebf146100cf5763aa79297314610053575f80fd5b346100cb5760203660031901126100cb576004356001600160401b0381168091036100cb576100bb6100b56100b06100c7935f6080604051610094816104e7565b8281528260208201528260408201528260608201520152610469565b61049b565b50610502565b6040519182918261040d565b0390f35b5f80fd5b346100cb5760803660031901126100cb576004356001600160601b0381168091036100cb57602435906001600160601b0382168092036100cb57604435906001600160601b0382168092036100cb576064359161ffff83168093036100cb5760405163570ca73560e01b81526020816004817f00000000000000000000000000000000000000000000000000000000000000006001600160a01b03165afa908115610372575f9161031b575b506001600160a01b03163381900361030557506127108310156102ec57604051916101a5836104e7565b8252602082019384526040820190815260608201928352608082016001600160401b03421681525f54680100000000000000008110156102d8578060016101ee92015f5561049b565b9490946102c5578351855496516001600160c01b03199097166001600160601b0391821617606097881b6bffffffffffffffffffffffff60601b1617865592516001959095018054915192516001600160b01b03199092169590931694909417941b61ffff60601b169390931760709290921b67ffffffffffffffff60701b16919091179091555f546040516020926001600160401b03929092169182917f164a2dcc8792a4bf5061d27d1f059bed050d632b9b57f9e785791763759f0b499181906102ba908261040d565b0390a2604051908152f35b634e487b7160e01b5f525f60045260245ffd5b634e487b7160e01b5f52604160045260245ffd5b8263f773516f60e01b5f5260045261270f60245260445ffd5b6311ce341560e21b5f523360045260245260445ffd5b905060203d60201161036b575b601f8101601f191682016001600160401b038111838210176102d8576020918391604052810103126100cb57516001600160a01b03811681036100cb578561017b565b503d610328565b6040513d5f823e3d90fd5b346100cb575f3660031901126100cb576040517f00000000000000000000000000000000000000000000000000000000000000006001600160a01b03168152602090f35b346100cb576101803660031901126100cb5760406103dd61057c565b825191151582526020820152f35b346100cb575f3660031901126100cb576020906001600160401b035f54168152f35b91909160806001600160401b038160a08401956001600160601b0381511685526001600160601b0360208201511660208601526001600160601b03604082015116604086015261ffff6060820151166060860152015116910152565b6001600160401b035f19911601906001600160401b03821161048757565b634e487b7160e01b5f52601160045260245ffd5b5f548110156104d3575f80805260019190911b7f290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e5630191565b634e487b7160e01b5f52603260045260245ffd5b60a081019081106001600160401b038211176102d857604052565b9060405161050f816104e7565b60806001600160401b03600183956001600160601b038154818116875260601c16602086015201546001600160601b038116604085015261ffff8160601c16606085015260701c16910152565b8181029291811591840414171561048757565b9190820180921161048757565b610104356001600160401b038116908181036100cb5750801580156106c5575b6106be576100b56100b06105af92610469565b610164356001600160401b038116908181036100cb57506001600160401b03608083015116116106be5760c4356001600160401b0381168082036100cb5761060391506001600160601b038351169061055c565b60e435906001600160401b038216918281036100cb5761063c9261063691506001600160601b036020860151169061055c565b9061056f565b60016103e85f1983010401901515029061271082029180830461271014901517156104875761ffff60608201511691826127100392612710841161048757612710146106ac5760406001600160601b039160016106a7955f198301040190151502920151169061056f565b600191565b634e487b715f5260126020526024601cfd5b505f905f90565b505f54811161059c56";

    private static String librariesLinkedBinary;

    public static final String FUNC_AMOUNTOF = "amountOf";

    public static final String FUNC_COUNT = "count";

    public static final String FUNC_PRICE = "price";

    public static final String FUNC_REGISTER = "register";

    public static final String FUNC_SETTLEMENT = "settlement";

    public static final Event PRICEREGISTERED_EVENT = new Event("PriceRegistered", 
            Arrays.<TypeReference<?>>asList(new TypeReference<Uint64>(true) {}, new TypeReference<Price>() {}));
    ;

    public static final CustomError NOTOPERATOR_ERROR = new CustomError("NotOperator", 
            Arrays.<TypeReference<?>>asList(new TypeReference<Address>() {}, new TypeReference<Address>() {}));
    ;

    public static final CustomError PLATFORMBPSTOOHIGH_ERROR = new CustomError("PlatformBpsTooHigh", 
            Arrays.<TypeReference<?>>asList(new TypeReference<Uint16>() {}, new TypeReference<Uint16>() {}));
    ;

    @Deprecated
    protected Prices(String contractAddress, Web3j web3j, Credentials credentials,
            BigInteger gasPrice, BigInteger gasLimit) {
        super(BINARY, contractAddress, web3j, credentials, gasPrice, gasLimit);
    }

    protected Prices(String contractAddress, Web3j web3j, Credentials credentials,
            ContractGasProvider contractGasProvider) {
        super(BINARY, contractAddress, web3j, credentials, contractGasProvider);
    }

    @Deprecated
    protected Prices(String contractAddress, Web3j web3j, TransactionManager transactionManager,
            BigInteger gasPrice, BigInteger gasLimit) {
        super(BINARY, contractAddress, web3j, transactionManager, gasPrice, gasLimit);
    }

    protected Prices(String contractAddress, Web3j web3j, TransactionManager transactionManager,
            ContractGasProvider contractGasProvider) {
        super(BINARY, contractAddress, web3j, transactionManager, contractGasProvider);
    }

    public RemoteFunctionCall<Tuple2<Boolean, BigInteger>> amountOf(Receipt receipt) {
        final Function function = new Function(FUNC_AMOUNTOF, 
                Arrays.<Type>asList(receipt), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Bool>() {}, new TypeReference<Uint256>() {}));
        return new RemoteFunctionCall<Tuple2<Boolean, BigInteger>>(function,
                new Callable<Tuple2<Boolean, BigInteger>>() {
                    @Override
                    public Tuple2<Boolean, BigInteger> call() throws Exception {
                        List<Type> results = executeCallMultipleValueReturn(function);
                        return new Tuple2<Boolean, BigInteger>(
                                (Boolean) results.get(0).getValue(), 
                                (BigInteger) results.get(1).getValue());
                    }
                });
    }

    public RemoteFunctionCall<BigInteger> count() {
        final Function function = new Function(FUNC_COUNT, 
                Arrays.<Type>asList(), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Uint64>() {}));
        return executeRemoteCallSingleValueReturn(function, BigInteger.class);
    }

    public RemoteFunctionCall<Price> price(BigInteger id) {
        final Function function = new Function(FUNC_PRICE, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.generated.Uint64(id)), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Price>() {}));
        return executeRemoteCallSingleValueReturn(function, Price.class);
    }

    public RemoteFunctionCall<TransactionReceipt> register(BigInteger inputRate,
            BigInteger outputRate, BigInteger platformFlat, BigInteger platformBps) {
        final Function function = new Function(
                FUNC_REGISTER, 
                Arrays.<Type>asList(new org.web3j.abi.datatypes.generated.Uint96(inputRate), 
                new org.web3j.abi.datatypes.generated.Uint96(outputRate), 
                new org.web3j.abi.datatypes.generated.Uint96(platformFlat), 
                new org.web3j.abi.datatypes.generated.Uint16(platformBps)), 
                Collections.<TypeReference<?>>emptyList());
        return executeRemoteCallTransaction(function);
    }

    public RemoteFunctionCall<String> settlement() {
        final Function function = new Function(FUNC_SETTLEMENT, 
                Arrays.<Type>asList(), 
                Arrays.<TypeReference<?>>asList(new TypeReference<Address>() {}));
        return executeRemoteCallSingleValueReturn(function, String.class);
    }

    public static List<PriceRegisteredEventResponse> getPriceRegisteredEvents(
            TransactionReceipt transactionReceipt) {
        List<Contract.EventValuesWithLog> valueList = staticExtractEventParametersWithLog(PRICEREGISTERED_EVENT, transactionReceipt);
        ArrayList<PriceRegisteredEventResponse> responses = new ArrayList<PriceRegisteredEventResponse>(valueList.size());
        for (Contract.EventValuesWithLog eventValues : valueList) {
            PriceRegisteredEventResponse typedResponse = new PriceRegisteredEventResponse();
            typedResponse.log = eventValues.getLog();
            typedResponse.id = (BigInteger) eventValues.getIndexedValues().get(0).getValue();
            typedResponse.price = (Price) eventValues.getNonIndexedValues().get(0);
            responses.add(typedResponse);
        }
        return responses;
    }

    public static PriceRegisteredEventResponse getPriceRegisteredEventFromLog(Log log) {
        Contract.EventValuesWithLog eventValues = staticExtractEventParametersWithLog(PRICEREGISTERED_EVENT, log);
        PriceRegisteredEventResponse typedResponse = new PriceRegisteredEventResponse();
        typedResponse.log = log;
        typedResponse.id = (BigInteger) eventValues.getIndexedValues().get(0).getValue();
        typedResponse.price = (Price) eventValues.getNonIndexedValues().get(0);
        return typedResponse;
    }

    public Flowable<PriceRegisteredEventResponse> priceRegisteredEventFlowable(EthFilter filter) {
        return web3j.ethLogFlowable(filter).map(log -> getPriceRegisteredEventFromLog(log));
    }

    public Flowable<PriceRegisteredEventResponse> priceRegisteredEventFlowable(
            DefaultBlockParameter startBlock, DefaultBlockParameter endBlock) {
        EthFilter filter = new EthFilter(startBlock, endBlock, getContractAddress());
        filter.addSingleTopic(EventEncoder.encode(PRICEREGISTERED_EVENT));
        return priceRegisteredEventFlowable(filter);
    }

    @Deprecated
    public static Prices load(String contractAddress, Web3j web3j, Credentials credentials,
            BigInteger gasPrice, BigInteger gasLimit) {
        return new Prices(contractAddress, web3j, credentials, gasPrice, gasLimit);
    }

    @Deprecated
    public static Prices load(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, BigInteger gasPrice, BigInteger gasLimit) {
        return new Prices(contractAddress, web3j, transactionManager, gasPrice, gasLimit);
    }

    public static Prices load(String contractAddress, Web3j web3j, Credentials credentials,
            ContractGasProvider contractGasProvider) {
        return new Prices(contractAddress, web3j, credentials, contractGasProvider);
    }

    public static Prices load(String contractAddress, Web3j web3j,
            TransactionManager transactionManager, ContractGasProvider contractGasProvider) {
        return new Prices(contractAddress, web3j, transactionManager, contractGasProvider);
    }

    public static RemoteCall<Prices> deploy(Web3j web3j, Credentials credentials,
            ContractGasProvider contractGasProvider, String settlement_) {
        String encodedConstructor = FunctionEncoder.encodeConstructor(Arrays.<Type>asList(new org.web3j.abi.datatypes.Address(160, settlement_)));
        return deployRemoteCall(Prices.class, web3j, credentials, contractGasProvider, getDeploymentBinary(), encodedConstructor);
    }

    public static RemoteCall<Prices> deploy(Web3j web3j, TransactionManager transactionManager,
            ContractGasProvider contractGasProvider, String settlement_) {
        String encodedConstructor = FunctionEncoder.encodeConstructor(Arrays.<Type>asList(new org.web3j.abi.datatypes.Address(160, settlement_)));
        return deployRemoteCall(Prices.class, web3j, transactionManager, contractGasProvider, getDeploymentBinary(), encodedConstructor);
    }

    @Deprecated
    public static RemoteCall<Prices> deploy(Web3j web3j, Credentials credentials,
            BigInteger gasPrice, BigInteger gasLimit, String settlement_) {
        String encodedConstructor = FunctionEncoder.encodeConstructor(Arrays.<Type>asList(new org.web3j.abi.datatypes.Address(160, settlement_)));
        return deployRemoteCall(Prices.class, web3j, credentials, gasPrice, gasLimit, getDeploymentBinary(), encodedConstructor);
    }

    @Deprecated
    public static RemoteCall<Prices> deploy(Web3j web3j, TransactionManager transactionManager,
            BigInteger gasPrice, BigInteger gasLimit, String settlement_) {
        String encodedConstructor = FunctionEncoder.encodeConstructor(Arrays.<Type>asList(new org.web3j.abi.datatypes.Address(160, settlement_)));
        return deployRemoteCall(Prices.class, web3j, transactionManager, gasPrice, gasLimit, getDeploymentBinary(), encodedConstructor);
    }

    public static void linkLibraries(List<Contract.LinkReference> references) {
        librariesLinkedBinary = linkBinaryWithReferences(BINARY, references);
    }

    private static String getDeploymentBinary() {
        if (librariesLinkedBinary != null) {
            return librariesLinkedBinary;
        } else {
            return BINARY;
        }
    }

    public static class Receipt extends StaticStruct {
        public byte[] requestId;

        public String payer;

        public byte[] model;

        public byte[] adapter;

        public byte[] promptHash;

        public byte[] outputHash;

        public BigInteger tokensIn;

        public BigInteger tokensOut;

        public BigInteger priceId;

        public BigInteger amount;

        public byte[] traceHash;

        public BigInteger timestamp;

        public Receipt(byte[] requestId, String payer, byte[] model, byte[] adapter,
                byte[] promptHash, byte[] outputHash, BigInteger tokensIn, BigInteger tokensOut,
                BigInteger priceId, BigInteger amount, byte[] traceHash, BigInteger timestamp) {
            super(new org.web3j.abi.datatypes.generated.Bytes32(requestId), 
                    new org.web3j.abi.datatypes.Address(160, payer), 
                    new org.web3j.abi.datatypes.generated.Bytes32(model), 
                    new org.web3j.abi.datatypes.generated.Bytes32(adapter), 
                    new org.web3j.abi.datatypes.generated.Bytes32(promptHash), 
                    new org.web3j.abi.datatypes.generated.Bytes32(outputHash), 
                    new org.web3j.abi.datatypes.generated.Uint64(tokensIn), 
                    new org.web3j.abi.datatypes.generated.Uint64(tokensOut), 
                    new org.web3j.abi.datatypes.generated.Uint64(priceId), 
                    new org.web3j.abi.datatypes.generated.Uint96(amount), 
                    new org.web3j.abi.datatypes.generated.Bytes32(traceHash), 
                    new org.web3j.abi.datatypes.generated.Uint64(timestamp));
            this.requestId = requestId;
            this.payer = payer;
            this.model = model;
            this.adapter = adapter;
            this.promptHash = promptHash;
            this.outputHash = outputHash;
            this.tokensIn = tokensIn;
            this.tokensOut = tokensOut;
            this.priceId = priceId;
            this.amount = amount;
            this.traceHash = traceHash;
            this.timestamp = timestamp;
        }

        public Receipt(Bytes32 requestId, Address payer, Bytes32 model, Bytes32 adapter,
                Bytes32 promptHash, Bytes32 outputHash, Uint64 tokensIn, Uint64 tokensOut,
                Uint64 priceId, Uint96 amount, Bytes32 traceHash, Uint64 timestamp) {
            super(requestId, payer, model, adapter, promptHash, outputHash, tokensIn, tokensOut, priceId, amount, traceHash, timestamp);
            this.requestId = requestId.getValue();
            this.payer = payer.getValue();
            this.model = model.getValue();
            this.adapter = adapter.getValue();
            this.promptHash = promptHash.getValue();
            this.outputHash = outputHash.getValue();
            this.tokensIn = tokensIn.getValue();
            this.tokensOut = tokensOut.getValue();
            this.priceId = priceId.getValue();
            this.amount = amount.getValue();
            this.traceHash = traceHash.getValue();
            this.timestamp = timestamp.getValue();
        }
    }

    public static class Price extends StaticStruct {
        public BigInteger inputRate;

        public BigInteger outputRate;

        public BigInteger platformFlat;

        public BigInteger platformBps;

        public BigInteger registeredAt;

        public Price(BigInteger inputRate, BigInteger outputRate, BigInteger platformFlat,
                BigInteger platformBps, BigInteger registeredAt) {
            super(new org.web3j.abi.datatypes.generated.Uint96(inputRate), 
                    new org.web3j.abi.datatypes.generated.Uint96(outputRate), 
                    new org.web3j.abi.datatypes.generated.Uint96(platformFlat), 
                    new org.web3j.abi.datatypes.generated.Uint16(platformBps), 
                    new org.web3j.abi.datatypes.generated.Uint64(registeredAt));
            this.inputRate = inputRate;
            this.outputRate = outputRate;
            this.platformFlat = platformFlat;
            this.platformBps = platformBps;
            this.registeredAt = registeredAt;
        }

        public Price(Uint96 inputRate, Uint96 outputRate, Uint96 platformFlat, Uint16 platformBps,
                Uint64 registeredAt) {
            super(inputRate, outputRate, platformFlat, platformBps, registeredAt);
            this.inputRate = inputRate.getValue();
            this.outputRate = outputRate.getValue();
            this.platformFlat = platformFlat.getValue();
            this.platformBps = platformBps.getValue();
            this.registeredAt = registeredAt.getValue();
        }
    }

    public static class PriceRegisteredEventResponse extends BaseEventResponse {
        public BigInteger id;

        public Price price;
    }
}
